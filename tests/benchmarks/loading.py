"""Data for the benchmarks: 2,000 wallets in one book and in a hundred, ours and the reference's."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import psycopg

from app.billing import open_wallet
from app.cli import schema_changes
from app.commissions import agree_commission
from app.embedded import PostgresServer
from app.identity import add_customer
from app.kernel import SignIn, connect, make_engine, transaction
from app.pricing import CreditPurpose, add_meter, add_offer, sell_offer, set_price
from app.tenancy import PlatformScope, TenantScope, add_reseller, found_platform
from tests.benchmarks.clients import ProductWallet, ReferenceWallet

WALLETS = 2_000
BOOKS = 100
FUNDS = 100_000_000
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
PLATFORM = PlatformScope()


def make_database(server: PostgresServer, name: str) -> tuple[str, str, str]:
    """Create and migrate a database; return the addresses of owner, application and platform."""
    with psycopg.connect(server.superuser_url(), autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name}".encode())
        admin.execute(f"CREATE DATABASE {name}".encode())
    owner = server.superuser_url(name)
    application = server.url("kontor_app", "benchmark-application-password", name)
    platform = server.url("kontor_platform", "benchmark-platform-password", name)
    schema_changes.make_roles(owner, application_url=application, platform_url=platform)
    schema_changes.upgrade(owner)
    connect(
        {
            SignIn.APPLICATION: make_engine(schema_changes.driver_url(application)),
            SignIn.PLATFORM: make_engine(schema_changes.driver_url(platform)),
        }
    )
    return owner, application, platform


def load_reference(owner_url: str) -> str:
    """Load the reference function into the database; return the address of its own role."""
    text = (Path(__file__).parent / "charge.sql").read_text()
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute(text.encode())
        owner.execute("DROP ROLE IF EXISTS ref_client")
        owner.execute("CREATE ROLE ref_client LOGIN PASSWORD 'reference'")
        owner.execute(
            "GRANT SELECT, INSERT, UPDATE ON ref_wallet, ref_entry, ref_transfer, ref_outbox"
            " TO ref_client"
        )
    return owner_url.replace("postgres:" + _password(owner_url), "ref_client:reference")


def _password(url: str) -> str:
    return url.split("://", 1)[1].split("@", 1)[0].split(":", 1)[1]


def reference_wallets(owner_url: str, books: int) -> list[ReferenceWallet]:
    """Insert wallets of the reference, spread over books."""
    made = []
    with psycopg.connect(owner_url) as owner, owner.cursor() as cursor:
        for _ in range(books):
            book, tax, commission, revenue = uuid4(), uuid4(), uuid4(), uuid4()
            for _ in range(WALLETS // books):
                wallet = uuid4()
                cursor.execute(
                    "INSERT INTO ref_wallet (book_id, id, posted) VALUES (%s, %s, %s)",
                    [book, wallet, FUNDS],
                )
                made.append(ReferenceWallet(book, wallet, tax, commission, revenue))
    return made


def product_wallets(owner_url: str, resellers: int) -> list[ProductWallet]:
    """Make wallets of ours through the use cases, spread over resellers, and give them funds."""
    made = []
    offer = _offer()
    for _ in range(resellers):
        with transaction(PLATFORM) as session:
            tenant = add_reseller(session, PLATFORM, slug=f"r{uuid4().hex[:12]}", name="Bench")
            sell_offer(session, PLATFORM, reseller_id=tenant.id, offer_id=offer, valid_from=EPOCH)
            agree_commission(
                session, PLATFORM, reseller_id=tenant.id, rate=Decimal("0.25"), valid_from=EPOCH
            )
        scope = TenantScope(tenant.id)
        with transaction(scope) as session:
            for number in range(WALLETS // resellers):
                customer = add_customer(session, scope, number=str(number), name="Bench")
                open_wallet(session, scope, customer_id=customer.id, currency="EUR")
                made.append(ProductWallet(tenant.id, customer.id))
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute(
            "UPDATE ledger_balances SET posted = %s WHERE posted = 0".encode(), [FUNDS]
        )
        owner.execute("VACUUM ANALYZE")
    return made


def _offer():  # noqa: ANN202 - a UUID
    with transaction(PLATFORM) as session:
        found_platform(session, PLATFORM, name="Bench")
        add_meter(session, PLATFORM, meter="call_minutes", unit="minute")
        offer = add_offer(
            session,
            PLATFORM,
            slug=f"o{uuid4().hex[:12]}",
            currency="EUR",
            tax_rate=Decimal("0.19"),
            credit_purpose=CreditPurpose.SINGLE,
        )
        set_price(
            session,
            PLATFORM,
            offer_id=offer.id,
            meter="call_minutes",
            unit_price=Decimal("0.19"),
            valid_from=EPOCH,
        )
    return offer.id
