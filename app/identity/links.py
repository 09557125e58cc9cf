"""Links that are sent to a person: their tokens can be made again from an id and are kept nowhere.

The database keeps the row alone, so whoever reads the database, an event or a queued message holds
no working link (rule R12 asks as much of sessions).
"""

import base64
import hashlib
import hmac
from uuid import UUID

from app.identity.link_models import LinkPurpose
from app.identity.models import Realm

_PURPOSE = b"kontor link v1:"
_MAC_BYTES = 20
_BELOW = {Realm.CUSTOMER: "", Realm.STAFF: "/reseller", Realm.PLATFORM: "/admin"}
_PLACES = {
    LinkPurpose.INVITATION: "/invitation",
    LinkPurpose.PASSWORD_RESET: "/password/reset",
    LinkPurpose.ACCOUNT_EXISTS: "/password/reset",
    LinkPurpose.EMAIL_CONFIRMATION: "/email/confirm",
}


def link_token(secret: str, link_id: UUID) -> str:
    """Return the token of a link: 48 characters that are safe in an address.

    `secret` is the installation's SECRET_KEY.
    """
    return base64.urlsafe_b64encode(link_id.bytes + _mac(secret, link_id)).decode().rstrip("=")


def read_link_token(secret: str, token: str) -> UUID | None:
    """Return the id of the link that a token was made for; None for anything else."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        link_id = UUID(bytes=raw[:16])
    except ValueError:
        return None
    return link_id if hmac.compare_digest(raw[16:], _mac(secret, link_id)) else None


def link_path(realm: Realm, purpose: LinkPurpose, token: str) -> str:
    """Return where a link leads on the site of its realm, from the first slash on."""
    return f"{_BELOW[realm]}{_PLACES[purpose]}/{token}"


def _mac(secret: str, link_id: UUID) -> bytes:
    return hmac.digest(secret.encode(), _PURPOSE + link_id.bytes, hashlib.sha256)[:_MAC_BYTES]
