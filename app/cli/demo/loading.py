"""Writes the cast through the product's own use cases, once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy.orm import Session

from app import billing, branding, commissions, identity, pricing, tenancy
from app.cli.demo import cast
from app.cli.demo.history import write_history
from app.cli.demo.records import ZONE, UsageRow, first_monday, rows_until
from app.cli.secret_keeping import keep_api_key, kept_secrets
from app.kernel import transaction
from app.tenancy import PLATFORM_ID, PlatformScope, TenantScope

_PLATFORM = PlatformScope()
_KEY_NAME = "Demo"
_KEY_SCOPES = ("usage:write", "usage:read", "balance:read", "customers:read", "transactions:read")


@dataclass(frozen=True)
class Played:
    """A customer of the demo as the API knows it."""

    brand: cast.Brand
    office: cast.Office
    customer_id: UUID
    api_key: str


def load_demo(
    rows: list[UsageRow],
    *,
    directory: Path,
    platform_domain: str,
    now: datetime,
    advance: Callable[[int], None],
) -> list[Played]:
    """Write what is missing of the demo and return its customers; safe to repeat.

    Platform and resellers are one transaction, each reseller's book another: what a crash left
    out is written by the next start. `advance` is told how many rows of history were written.
    """
    monday = first_monday(now)
    _found(monday, platform_domain)
    past = rows_until(rows, monday, now)
    played: list[Played] = []
    for brand in cast.BRANDS:
        scope = _scope_of(brand)
        mine = [row for row in past if row.customer in {each.records for each in brand.offices}]
        with transaction(scope) as session:
            if not identity.list_customers(session, scope, limit=1):
                wallets = _people(session, scope, brand)
                write_history(session, scope, brand, mine, wallets, monday=monday, advance=advance)
            else:
                advance(len(mine))
        played += _played(scope, brand, _api_key(scope, brand, directory))
    return played


def _found(monday: date, platform_domain: str) -> None:
    """Make platform, resellers, prices and agreements, all or nothing."""
    # Before the first call of the history, whatever the hour.
    valid_from = datetime.combine(monday - timedelta(days=1), time(), ZONE)
    with transaction(_PLATFORM) as session:
        known = {tenant.slug for tenant in tenancy.list_resellers(session, _PLATFORM)}
        if cast.BRANDS[0].slug in known:
            return
        tenancy.found_platform(session, _PLATFORM, name=cast.PLATFORM_NAME)
        branding.save_brand(session, TenantScope(PLATFORM_ID), look=cast.PLATFORM_LOOK)
        identity.add_platform_user(
            session,
            _PLATFORM,
            email=cast.PLATFORM_ADMIN,
            name=cast.PLATFORM_ADMIN_NAME,
            password=cast.PLATFORM_PASSWORD,
        )
        offers = _offers(session, valid_from)
        _resellers(session, offers, valid_from, platform_domain)


def _offers(session: Session, valid_from: datetime) -> dict[str, UUID]:
    for meter, unit in cast.METERS.items():
        pricing.add_meter(session, _PLATFORM, meter=meter, unit=unit)
    offers: dict[str, UUID] = {}
    for slug, prices in cast.OFFERS.items():
        offer = pricing.add_offer(
            session,
            _PLATFORM,
            slug=slug,
            currency=cast.CURRENCY,
            tax_rate=cast.TAX_RATE,
            credit_purpose=pricing.CreditPurpose.SINGLE,
        )
        offers[slug] = offer.id
        for meter, unit_price in prices.items():
            pricing.set_price(
                session,
                _PLATFORM,
                offer_id=offer.id,
                meter=meter,
                unit_price=unit_price,
                valid_from=valid_from,
            )
    return offers


def _resellers(
    session: Session, offers: Mapping[str, UUID], valid_from: datetime, platform_domain: str
) -> None:
    ids: dict[str, UUID] = {}
    agreements: dict[UUID, commissions.Agreement] = {}
    for brand in cast.BRANDS:
        parent = ids[brand.parent] if brand.parent else PLATFORM_ID
        tenant = tenancy.add_reseller(
            session, _PLATFORM, slug=brand.slug, name=brand.name, parent_id=parent
        )
        ids[brand.slug] = tenant.id
        agreements[tenant.id] = commissions.Agreement(brand.commission, cast.STEPS[brand.slug])
        branding.save_brand(session, TenantScope(tenant.id), look=brand.look)
        if brand.custom_host:
            tenancy.add_host(
                session,
                _PLATFORM,
                tenant_id=tenant.id,
                host=brand.custom_host,
                platform_domain=platform_domain,
            )
        pricing.sell_offer(
            session,
            _PLATFORM,
            reseller_id=tenant.id,
            offer_id=offers[brand.offer],
            valid_from=valid_from,
        )
    commissions.agree_commissions(session, _PLATFORM, agreements=agreements, valid_from=valid_from)


def _people(session: Session, scope: TenantScope, brand: cast.Brand) -> dict[str, UUID]:
    """Add staff, customers and wallets; return each customer's id by the name of its records."""
    identity.add_staff_user(
        session, scope, email=brand.admin, name=brand.admin_name, password=brand.password
    )
    found: dict[str, UUID] = {}
    for office in brand.offices:
        customer = identity.add_customer(session, scope, number=office.number, name=office.company)
        identity.add_customer_user(
            session,
            scope,
            customer_id=customer.id,
            email=office.email,
            name=office.person,
            password=brand.password,
        )
        billing.open_wallet(session, scope, customer_id=customer.id, currency=cast.CURRENCY)
        found[office.records] = customer.id
    return found


def _scope_of(brand: cast.Brand) -> TenantScope:
    with transaction(_PLATFORM) as session:
        return TenantScope(tenancy.get_reseller(session, _PLATFORM, slug=brand.slug).id)


def _api_key(scope: TenantScope, brand: cast.Brand, directory: Path) -> str:
    """Return the kept key of the reseller; a new one where it is lost or unknown."""
    kept = kept_secrets(directory).api_keys.get(brand.slug)
    with transaction(scope) as session:
        if kept and identity.find_api_key(session, scope, secret=kept):
            return kept
        _, secret = identity.make_api_key(session, scope, name=_KEY_NAME, scopes=_KEY_SCOPES)
    keep_api_key(directory, brand.slug, secret)
    return secret


def _played(scope: TenantScope, brand: cast.Brand, api_key: str) -> list[Played]:
    with transaction(scope) as session:
        ids = {each.number: each.id for each in identity.list_customers(session, scope)}
    return [
        Played(brand, office, ids[office.number], api_key)
        for office in brand.offices
        if office.number in ids
    ]
