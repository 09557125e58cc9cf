from datetime import datetime
from uuid import UUID, uuid5

import uuid_utils.compat


def new_id() -> UUID:
    """Return a UUIDv7 (RFC 9562): ids sort by the time they were made."""
    return uuid_utils.compat.uuid7()


def derived_id(namespace: UUID, name: str) -> UUID:
    """Return the UUIDv5 that `name` always has inside `namespace` (decision 0003)."""
    return uuid5(namespace, name)


def first_id_at(instant: datetime) -> UUID:
    """Return the least UUIDv7 that could have been made at an aware instant.

    Rows made since then have ids from here on: a range of the primary key instead of a date.
    """
    milliseconds = int(instant.timestamp() * 1000)
    return UUID(int=milliseconds << 80)
