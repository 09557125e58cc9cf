from uuid import UUID, uuid5

import uuid_utils.compat


def new_id() -> UUID:
    """Return a UUIDv7 (RFC 9562): ids sort by the time they were made."""
    return uuid_utils.compat.uuid7()


def derived_id(namespace: UUID, name: str) -> UUID:
    """Return the UUIDv5 that `name` always has inside `namespace` (decision 0003)."""
    return uuid5(namespace, name)
