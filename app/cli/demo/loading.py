"""Writes the cast through the product's own use cases, once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy.orm import Session

from app import audit, billing, branding, commissions, identity, pricing, tenancy, web
from app.branding import BrandLook, PictureKind, make_pictures
from app.cli.demo import cast
from app.cli.demo.history import write_history
from app.cli.demo.records import ZONE, UsageRow, first_monday, rows_until
from app.cli.secret_keeping import keep_api_key, kept_secrets
from app.kernel import transaction
from app.tenancy import PLATFORM_ID, PlatformScope, TenantScope

_PLATFORM = PlatformScope()
_WEB = Path(web.__file__).parent
_KEY_NAME = "Demo"
_KEY_SCOPES = (
    "usage:write", "usage:read", "holds:write", "balance:read", "customers:read",
    "transactions:read",
)  # fmt: skip


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
    # Before the first call of the history, whatever the hour.
    since = datetime.combine(monday - timedelta(days=1), time(), ZONE)
    _found(since, platform_domain)
    past = rows_until(rows, monday, now)
    played: list[Played] = []
    for brand in cast.BRANDS:
        scope = _scope_of(brand)
        mine = [row for row in past if row.customer in {each.records for each in brand.offices}]
        with transaction(scope) as session:
            if not identity.list_customers(session, scope, limit=1):
                _own_prices(session, scope, brand, since)
                wallets = _people(session, scope, brand, since)
                write_history(session, scope, brand, mine, wallets, monday=monday, advance=advance)
            else:
                advance(len(mine))
        billing.charge_due_fees(scope, now=now)
        played += _played(scope, brand, _api_key(scope, brand, directory))
    return played


def _found(valid_from: datetime, platform_domain: str) -> None:
    """Make platform, resellers, prices and agreements, all or nothing."""
    with transaction(_PLATFORM) as session:
        known = {tenant.slug for tenant in tenancy.list_resellers(session, _PLATFORM)}
        if cast.BRANDS[0].slug in known:
            return
        tenancy.found_platform(session, _PLATFORM, name=cast.PLATFORM_NAME)
        _dress(session, TenantScope(PLATFORM_ID), cast.PLATFORM_LOOK, valid_from)
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
    for meter, (unit, parts) in cast.METERS.items():
        pricing.add_meter(session, _PLATFORM, meter=meter, unit=unit, parts=parts)
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
        for meter, rate in prices.items():
            pricing.set_price(
                session,
                _PLATFORM,
                offer_id=offer.id,
                meter=meter,
                unit_price=rate.unit_price,
                valid_from=valid_from,
                increment=rate.increment,
                floor_price=rate.floor,
            )
        _extras(session, offer.id, slug, valid_from)
    return offers


def _extras(session: Session, offer_id: UUID, slug: str, valid_from: datetime) -> None:
    """Give an offer its base fee and its bonus on top-ups."""
    pricing.set_fee(
        session,
        _PLATFORM,
        offer_id=offer_id,
        fee=cast.BASE_FEE,
        name=cast.BASE_FEE_NAMES[slug],
        amount=cast.BASE_FEE_AMOUNT,
        months=cast.BASE_FEE_MONTHS,
        valid_from=valid_from,
    )
    pricing.set_bonus_steps(
        session, _PLATFORM, offer_id=offer_id, steps=cast.BONUS_STEPS, valid_from=valid_from
    )


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
        _dress(session, TenantScope(tenant.id), brand.look, valid_from)
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
    for kind, terms in cast.COMMISSION_BONUSES.items():
        commissions.set_bonus(session, _PLATFORM, kind=kind, terms=terms, valid_from=valid_from)


def _dress(session: Session, scope: TenantScope, look: BrandLook, now: datetime) -> None:
    """Upload the pictures that a look names among our static files, and publish it with them."""
    logo, favicon = (
        branding.keep_pictures(
            session, scope, made=make_pictures(kind, _static(url)), now=now, actor=audit.SYSTEM
        )
        for kind, url in (
            (PictureKind.LOGO, look.logo_url),
            (PictureKind.FAVICON, look.favicon_url),
        )
    )
    branding.save_brand(session, scope, look=replace(look, logo_url=logo, favicon_url=favicon))


def _static(address: str) -> bytes:
    return (_WEB / address.removeprefix("/")).read_bytes()


def _own_prices(
    session: Session, scope: TenantScope, brand: cast.Brand, valid_from: datetime
) -> None:
    for meter, unit_price in brand.own_prices.items():
        pricing.set_retail_price(
            session, scope, meter=meter, unit_price=unit_price, valid_from=valid_from,
            now=valid_from,
        )  # fmt: skip


def _people(
    session: Session, scope: TenantScope, brand: cast.Brand, since: datetime
) -> dict[str, UUID]:
    """Add staff, customers, wallets, lines and contracts.

    Return each customer's id by the name of its records.
    """
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
        wallet = billing.open_wallet(
            session, scope, customer_id=customer.id, currency=cast.CURRENCY
        )
        identity.assign_subject(
            session, scope, subject=office.line, customer_id=customer.id, valid_from=since,
            now=since,
        )  # fmt: skip
        if office.has_base_fee:
            billing.open_contract(
                session, scope, wallet_id=wallet.id, fee=cast.BASE_FEE, starts_at=since,
                key=f"demo-{office.number.lower()}",
            )  # fmt: skip
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
