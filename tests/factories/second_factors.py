from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyotp

from app.identity import (
    CustomerUser,
    PlatformUser,
    Realm,
    StaffUser,
    begin_second_factor,
    confirm_second_factor,
    key_text,
)
from app.identity.ports import SecretBox
from app.integrations.secret_box import SealedBox
from app.kernel import now, transaction
from app.tenancy import PlatformScope, TenantScope

# The key of `tests.fakes.fake_ports`.
BOX: SecretBox = SealedBox("the key of the tests")


@dataclass(frozen=True)
class AuthenticatorApp:
    """A person's app and the recovery codes she kept."""

    secret: bytes
    recovery_codes: Sequence[str]

    def code(self, at: datetime) -> str:
        return pyotp.TOTP(key_text(self.secret)).at(at)

    def wrong_code(self, at: datetime) -> str:
        """Six digits that are no code of the app's near this time."""
        steps = range(-3, 4)
        right = {self.code(at + timedelta(seconds=30 * step)) for step in steps}
        return next(f"{number:06}" for number in range(9) if f"{number:06}" not in right)


def a_second_factor(
    user: CustomerUser | StaffUser | PlatformUser, *, at: datetime | None = None
) -> AuthenticatorApp:
    """The app of somebody who turned her second factor on, an hour ago if nothing is said."""
    then = at or now() - timedelta(hours=1)
    if isinstance(user, PlatformUser):
        scope, realm = PlatformScope(), Realm.PLATFORM
        return _turned_on(scope, realm, user, then)
    realm = Realm.CUSTOMER if isinstance(user, CustomerUser) else Realm.STAFF
    return _turned_on(TenantScope(user.reseller_id), realm, user, then)


def _turned_on(
    scope: TenantScope | PlatformScope,
    realm: Realm,
    user: CustomerUser | StaffUser | PlatformUser,
    at: datetime,
) -> AuthenticatorApp:
    with transaction(scope) as session:
        secret = begin_second_factor(
            session, scope, realm=realm, user_id=user.id, token="of the factory", box=BOX
        )
        app = AuthenticatorApp(secret, ())
        codes = confirm_second_factor(
            session, scope, realm=realm, user_id=user.id, token="of the factory",
            code=app.code(at), box=BOX, now=at,
        )  # fmt: skip
    return AuthenticatorApp(secret, codes)
