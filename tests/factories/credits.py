"""Credit in all its forms: bonus steps, grace, own balance, contracts; by the use cases alone."""

from datetime import UTC, datetime
from uuid import UUID

from app import audit, billing, ledger
from app.billing import Credit, Wallet
from app.billing.models import BonusLot
from app.kernel import Money, now, transaction
from app.pricing import BonusStep, Offer, set_bonus_steps, set_fee
from app.tenancy import PlatformScope, Tenant, TenantScope
from tests.factories.money import LONG_AGO, scope_of_wallet, settle
from tests.factories.names import unique

PLATFORM_ADMIN = audit.Actor("platform", None)
STAFF = audit.Actor("staff", None)
REASON = "Goodwill after an outage"


def euros(minor: int) -> Money:
    return Money(minor, "EUR")


def with_bonus(
    offer: Offer, *steps: tuple[int, int], days: int | None = None, since: datetime = LONG_AGO
) -> Offer:
    """Let an offer's top-ups earn (least, bonus) in minor units."""
    scope = PlatformScope()
    made = [BonusStep(euros(least), euros(bonus), days) for least, bonus in steps]
    with transaction(scope) as session:
        set_bonus_steps(session, scope, offer_id=offer.id, steps=made, valid_from=since)
    return offer


def with_fee(
    offer: Offer,
    fee: str = "number",
    minor: int = 119,
    *,
    months: int = 1,
    since: datetime = LONG_AGO,
) -> Offer:
    """Let an offer charge a fee."""
    scope = PlatformScope()
    with transaction(scope) as session:
        set_fee(
            session,
            scope,
            offer_id=offer.id,
            fee=fee,
            name="Telephone number",
            amount=euros(minor),
            months=months,
            valid_from=since,
        )
    return offer


def credit_of(wallet: Wallet, *, at: datetime | None = None) -> Credit:
    """What a wallet holds now, or would at another time if nothing happened until then."""
    scope = scope_of_wallet(wallet)
    with transaction(scope) as session:
        fresh = billing.get_wallet_by_id(session, scope, wallet_id=wallet.id)
        return billing.wallet_credit(session, scope, wallet=fresh, now=at or now())


def figures(wallet: Wallet) -> tuple[int, int, int]:
    """Paid credit, bonus and debt, in minor units."""
    credit = credit_of(wallet)
    return credit.paid.minor, credit.bonus.minor, credit.owed.minor


def lots_of(wallet: Wallet) -> list[BonusLot]:
    scope = scope_of_wallet(wallet)
    with transaction(scope) as session:
        found = session.query(BonusLot).filter_by(reseller_id=wallet.reseller_id)
        return found.filter_by(wallet_id=wallet.id).order_by(BonusLot.id).all()


def allow_grace(wallet: Wallet, minor: int) -> None:
    scope = scope_of_wallet(wallet)
    with transaction(scope) as session:
        billing.set_grace(session, scope, wallet_id=wallet.id, limit=euros(minor))


def cap(wallet: Wallet, minor: int | None, *, subject: str | None = None) -> None:
    scope = scope_of_wallet(wallet)
    limit = None if minor is None else euros(minor)
    with transaction(scope) as session:
        billing.set_cap(
            session, scope, wallet_id=wallet.id, subject=subject, limit=limit, now=now()
        )


def adjust(wallet: Wallet, minor: int, *, key: str | None = None) -> billing.Adjustment:
    scope = scope_of_wallet(wallet)
    with transaction(scope) as session:
        return billing.adjust_wallet(
            session,
            scope,
            wallet_id=wallet.id,
            amount=Money(minor, wallet.currency),
            reason=REASON,
            key=key or unique("key"),
            now=now(),
            actor=PLATFORM_ADMIN,
        )


def own_funds(reseller: Tenant, minor: int = 2_000) -> None:
    """Pay into a reseller's own balance."""
    scope = TenantScope(reseller.id)
    with transaction(scope) as session:
        top_up = billing.fund_by_top_up(
            session, scope, amount=euros(minor), request_key=unique("request"), now=now()
        )
    assert settle(top_up).state == "settled"


def own_balance_of(reseller_id: UUID) -> tuple[int, int]:
    """A reseller's own balance and her commission in her own book, in minor units."""
    scope = TenantScope(reseller_id)
    with transaction(scope) as session:
        own = billing.own_balance(session, scope, currency="EUR")
    return own.balance.minor, own.commission.minor


def fund(reseller_id: UUID, minor: int, *, key: str | None = None) -> billing.OwnBalance:
    scope = TenantScope(reseller_id)
    with transaction(scope) as session:
        return billing.fund_by_commission(
            session, scope, amount=euros(minor), key=key or unique("key"), now=now()
        )


def give(
    wallet: Wallet,
    minor: int,
    *,
    key: str | None = None,
    as_bonus: bool = False,
    expires_at: datetime | None = None,
) -> billing.Adjustment:
    """Credit from the reseller's own balance."""
    scope = scope_of_wallet(wallet)
    with transaction(scope) as session:
        return billing.give_credit(
            session,
            scope,
            wallet_id=wallet.id,
            amount=euros(minor),
            reason=REASON,
            key=key or unique("key"),
            now=now(),
            actor=STAFF,
            as_bonus=as_bonus,
            expires_at=expires_at,
        )


def a_contract(
    wallet: Wallet,
    *,
    fee: str = "number",
    quantity: int = 1,
    starts_at: datetime = datetime(2026, 1, 31, 11, tzinfo=UTC),
    key: str | None = None,
) -> billing.Contract:
    scope = scope_of_wallet(wallet)
    with transaction(scope) as session:
        return billing.open_contract(
            session,
            scope,
            wallet_id=wallet.id,
            fee=fee,
            quantity=quantity,
            starts_at=starts_at,
            key=key or unique("contract"),
        )


def reverse(reseller_id: UUID, entry_id: UUID) -> billing.Reversal:
    scope = TenantScope(reseller_id)
    with transaction(scope) as session:
        return billing.reverse_charge(
            session, scope, entry_id=entry_id, reason=REASON, now=now(), actor=PLATFORM_ADMIN
        )


def hold(wallet: Wallet, account_id: UUID, minor: int, *, until: datetime) -> UUID:
    """Keep something of an account of the wallet back, by the ledger's own function."""
    draft = ledger.HoldDraft(
        book_id=wallet.reseller_id,
        hold_id=ledger.account_id(
            wallet.reseller_id, ledger.AccountName(unique("hold"), wallet.id, "EUR")
        ),
        key=unique("hold"),
        input_hash=b"hold",
        expires_at=until,
        parts=[(wallet.account_id, 0), (account_id, minor)],
        currency="EUR",
    )
    with transaction(scope_of_wallet(wallet)) as session:
        return ledger.hold(session, draft).hold_id


def broken_laws() -> dict[str, list[str]]:
    """Every law that something breaks, with what does."""
    scope = PlatformScope()
    with transaction(scope) as session:
        checks = [*ledger.verify(session, scope), *billing.verify(session, scope)]
    return {check.name: check.broken for check in checks if check.broken}
