"""Wallets with funds, through the product's own use cases, and those of the reference function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from secrets import token_hex
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import psycopg
from sqlalchemy.orm import Session

from app.billing import open_wallet, request_top_up, settle_top_up
from app.commissions import agree_commission
from app.identity import Realm, add_customer, add_customer_user, sign_in
from app.kernel import Money, now, transaction
from app.payments import CheckoutResult, CheckoutState
from app.pricing import CreditPurpose, add_meter, add_offer, sell_offer, set_price
from app.settings import Settings
from app.tenancy import PlatformScope, TenantScope, add_reseller, found_platform
from tests.benchmarks.crew import Crew
from tests.benchmarks.stage import DOMAIN, connect_to

METER = "call_minutes"
# What the reference function charges, too: gross, in cents.
PRICE_MINOR = 19
# The greatest top-up: some 26,000 charges of a minute.
FUNDS_MINOR = 500_000
REFERENCE_FUNDS_MINOR = 100_000_000
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
PLATFORM = PlatformScope()
_PASSWORD = "correct horse battery staple"
_LOADERS = 4
_AT_ONCE = 50


class Users(Enum):
    """Which customers of a reseller have somebody who is signed in; a password takes its time."""

    NOBODY = "nobody"
    FIRST = "first"
    EVERYBODY = "everybody"


@dataclass(frozen=True, slots=True)
class Reseller:
    """A reseller that sells a minute for 19 cents and keeps 25 % of the net price."""

    id: UUID
    slug: str

    @property
    def host(self) -> str:
        """Where the site answers."""
        return f"{self.slug}.{DOMAIN}"


@dataclass(frozen=True, slots=True)
class ProductWallet:
    """A customer of ours with funds; `token` is of a signed-in session, empty without a user."""

    reseller: Reseller
    customer: UUID
    token: str = ""


@dataclass(frozen=True, slots=True)
class ReferenceWallet:
    """A wallet of the reference function and the accounts its charges credit."""

    book: UUID
    wallet: UUID
    tax: UUID
    commission: UUID
    revenue: UUID


@dataclass(frozen=True, slots=True)
class _Batch:
    """Wallets to make for one reseller."""

    reseller: Reseller
    count: int
    with_users: bool


def product_wallets(
    settings: Settings, *, wallets: int, resellers: int, users: Users = Users.NOBODY
) -> list[ProductWallet]:
    """Make wallets of ours, spread over resellers, and pay funds in by settled top-ups.

    Those of one reseller stand together, the first one first.
    """
    offer = _offer()
    more = wallets // resellers - 1
    batches = []
    made = {}
    for _ in range(resellers):
        reseller = _reseller(offer)
        # The first wallet opens the book's shared accounts; the others then do not wait for it.
        made[reseller] = _wallets(_Batch(reseller, 1, users is not Users.NOBODY))
        counts = [min(_AT_ONCE, more - start) for start in range(0, more, _AT_ONCE)]
        batches += [_Batch(reseller, count, users is Users.EVERYBODY) for count in counts]
    if batches:
        with Crew[_Batch, list[ProductWallet]](_LOADERS, _loader, settings) as crew:
            for batch, some in zip(batches, crew.share(batches), strict=True):
                made[batch.reseller] += some
    settle(settings)
    return [wallet for some in made.values() for wallet in some]


def load_reference(settings: Settings) -> str:
    """Load the reference function into the database; return the address of its own role."""
    owner_url = settings.database_owner_url.get_secret_value()
    text = (Path(__file__).parent / "charge.sql").read_text(encoding="utf-8")
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute(text.encode())
        if owner.execute("SELECT to_regrole('ref_client')").fetchone() == (None,):
            owner.execute("CREATE ROLE ref_client LOGIN PASSWORD 'reference'")
        owner.execute(
            "GRANT SELECT, INSERT, UPDATE ON ref_wallet, ref_entry, ref_transfer, ref_outbox"
            " TO ref_client"
        )
    parts = urlsplit(owner_url)
    return f"postgresql://ref_client:reference@{parts.path}?{parts.query}"


def reference_wallets(settings: Settings, *, wallets: int, books: int) -> list[ReferenceWallet]:
    """Insert wallets of the reference, spread over books."""
    made = []
    with psycopg.connect(settings.database_owner_url.get_secret_value()) as owner:
        for _ in range(books):
            book, tax, commission, revenue = uuid4(), uuid4(), uuid4(), uuid4()
            made += [
                ReferenceWallet(book, uuid4(), tax, commission, revenue)
                for _ in range(wallets // books)
            ]
        with owner.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO ref_wallet (book_id, id, posted) VALUES (%s, %s, %s)",
                [(each.book, each.wallet, REFERENCE_FUNDS_MINOR) for each in made],
            )
    settle(settings)
    return made


def settle(settings: Settings) -> None:
    """Let the server finish what loading left to do, so that it is not measured."""
    url = settings.database_owner_url.get_secret_value()
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("VACUUM ANALYZE")
        owner.execute("CHECKPOINT")


def _loader(settings: Settings) -> Callable[[_Batch], list[ProductWallet]]:
    connect_to(settings)
    return _wallets


def _wallets(batch: _Batch) -> list[ProductWallet]:
    scope = TenantScope(batch.reseller.id)
    with transaction(scope) as session:
        return [_wallet(session, scope, batch) for _ in range(batch.count)]


def _wallet(session: Session, scope: TenantScope, batch: _Batch) -> ProductWallet:
    number = token_hex(8)
    customer = add_customer(session, scope, number=number, name="Benchmark")
    open_wallet(session, scope, customer_id=customer.id, currency="EUR")
    pay_in(session, scope, customer.id)
    if not batch.with_users:
        return ProductWallet(batch.reseller, customer.id)
    email = f"{number}@example.com"
    add_customer_user(
        session, scope, customer_id=customer.id, email=email, name="Benchmark", password=_PASSWORD
    )
    token = sign_in(
        session,
        scope,
        realm=Realm.CUSTOMER,
        email=email,
        password=_PASSWORD,
        host=batch.reseller.host,
        now=now(),
    ).token
    return ProductWallet(batch.reseller, customer.id, token)


def pay_in(session: Session, scope: TenantScope, customer_id: UUID) -> None:
    """Top the customer's wallet up, as a processor's word would."""
    funds = Money(FUNDS_MINOR, "EUR")
    top_up = request_top_up(
        session, scope, customer_id=customer_id, amount=funds, request_key=token_hex(8), now=now()
    )
    result = CheckoutResult(
        session_id=f"cs_{top_up.id.hex}",
        reference=str(top_up.id),
        state=CheckoutState.PAID,
        paid=funds,
        payment_id=f"pi_{top_up.id.hex}",
    )
    settle_top_up(session, scope, top_up_id=top_up.id, result=result, now=now())


def _reseller(offer: UUID) -> Reseller:
    slug = f"r{token_hex(6)}"
    with transaction(PLATFORM) as session:
        tenant = add_reseller(session, PLATFORM, slug=slug, name="Benchmark")
        sell_offer(session, PLATFORM, reseller_id=tenant.id, offer_id=offer, valid_from=EPOCH)
        agree_commission(
            session, PLATFORM, reseller_id=tenant.id, rate=Decimal("0.25"), valid_from=EPOCH
        )
    return Reseller(tenant.id, slug)


def _offer() -> UUID:
    with transaction(PLATFORM) as session:
        found_platform(session, PLATFORM, name="Benchmarks")
        add_meter(session, PLATFORM, meter=METER, unit="minute")
        offer = add_offer(
            session,
            PLATFORM,
            slug=f"o{token_hex(6)}",
            currency="EUR",
            tax_rate=Decimal("0.19"),
            credit_purpose=CreditPurpose.SINGLE,
        )
        set_price(
            session,
            PLATFORM,
            offer_id=offer.id,
            meter=METER,
            unit_price=Decimal(PRICE_MINOR) / 100,
            valid_from=EPOCH,
        )
    return offer.id
