"""`ledger.verify` and `billing.verify` find nothing in clean books, and every planted error."""

from collections.abc import Iterator
from dataclasses import asdict

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from app import billing, ledger
from app.billing.verification import LAWS as BILLING_LAWS
from app.kernel import driver_url, new_id, transaction
from app.ledger import Check, PartialViewError, Reach
from app.ledger.laws import LAWS as LEDGER_LAWS
from app.tenancy import PlatformScope, Tenant, TenantScope
from tests.conftest import Database
from tests.factories.money import a_priced_reseller
from tests.ledger.planted import IN_BILLING, IN_THE_LEDGER, Plant, World, a_world
from tests.ledger.planted_credits import IN_CREDITS, CreditWorld, a_credit_seller, a_credit_world
from tests.ledger.planted_holds import IN_SHARED_CHARGES, IN_THE_HOLDS, Reserved, some_reserved
from tests.ledger.planted_months import IN_MONTHS
from tests.ledger.planted_seals import IN_THE_SEALS

SCOPE = PlatformScope()
PLANTS = [
    *IN_THE_LEDGER,
    *IN_THE_HOLDS,
    *IN_THE_SEALS,
    *IN_BILLING,
    *IN_SHARED_CHARGES,
    *IN_MONTHS,
    *IN_CREDITS,
]
FROM_ZERO = {law.name for law in (*LEDGER_LAWS, *BILLING_LAWS) if not law.incremental}


@pytest.fixture(scope="module")
def seller(own_database: Database) -> Tenant:
    return a_priced_reseller()


@pytest.fixture(scope="module")
def credit_seller(own_database: Database) -> Tenant:
    return a_credit_seller()


# The world closes its month, in which nobody agrees anything any more.
@pytest.fixture(scope="module")
def world(own_database: Database, seller: Tenant, credit_seller: Tenant) -> World:
    return a_world()


@pytest.fixture(scope="module")
def reserved(own_database: Database, world: World, seller: Tenant) -> Reserved:
    return some_reserved(own_database, reseller=seller)


@pytest.fixture(scope="module")
def credit_world(world: World, credit_seller: Tenant) -> CreditWorld:
    return a_credit_world(credit_seller)


@pytest.fixture(scope="module")
def facts(world: World, reserved: Reserved, credit_world: CreditWorld) -> dict[str, object]:
    return {**asdict(world), **asdict(reserved), **asdict(credit_world)}


@pytest.fixture
def saboteur(own_database: Database) -> Iterator[Session]:
    """The superuser, past every wall, in a transaction that is never committed."""
    engine = create_engine(driver_url(own_database.owner_url))
    with Session(engine) as session:
        # Foreign keys and triggers sleep.
        session.execute(text("SET LOCAL session_replication_role = replica"))
        yield session
        session.rollback()
    engine.dispose()


def verify(session: Session, reach: Reach = Reach.WHOLE) -> list[Check]:
    ledger.mark_new(session, SCOPE, reach)
    return [
        *ledger.verify(session, SCOPE, reach=reach),
        *billing.verify(session, SCOPE, reach=reach),
    ]


def examined(checks: list[Check]) -> dict[str, int]:
    return {check.name: check.examined for check in checks}


@pytest.mark.parametrize("reach", Reach)
def test_clean_books_hold_every_law_and_every_law_has_something_to_examine(
    world: World, reserved: Reserved, credit_world: CreditWorld, reach: Reach
) -> None:
    with transaction(SCOPE) as session:
        checks = verify(session, reach)

    assert {check.name: check.broken for check in checks if check.broken} == {}
    assert [check.name for check in checks if check.examined == 0] == []


@pytest.mark.parametrize("reach", Reach, ids=lambda reach: reach.value)
@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.law)
def test_a_planted_error_is_found_by_its_law(
    facts: dict[str, object], saboteur: Session, plant: Plant, reach: Reach
) -> None:
    for statement in plant.statements:
        saboteur.execute(text(statement.format(**facts)))

    # As in production: the platform's role, which row-level security lets read all books.
    saboteur.execute(text("SET LOCAL ROLE kontor_platform"))
    broken = {check.name: check.broken for check in verify(saboteur, reach)}

    named = str(facts.get(plant.names, plant.names))
    if reach is Reach.NEW and (plant.only_whole or plant.law in FROM_ZERO):
        assert named not in broken.get(plant.law, [])
    else:
        assert named in broken[plant.law]


def test_every_law_is_proved_by_a_planted_error() -> None:
    laws = [law.name for law in (*LEDGER_LAWS, *BILLING_LAWS)]

    assert sorted({plant.law for plant in PLANTS}) == sorted(laws)
    assert len(set(laws)) == len(laws)


def test_a_broken_law_names_the_wallet_account_whose_money_is_in_doubt(
    world: World, saboteur: Session
) -> None:
    saboteur.execute(
        text("UPDATE ledger_balances SET posted = posted + 1 WHERE account_id = :account"),
        {"account": world.account},
    )

    doubtful = {
        check.name: (row.book_id, row.account_id)
        for check in verify(saboteur)
        for row in check.rows
    }

    assert doubtful["balance-is-transfers"] == (world.book, world.account)
    assert doubtful["zero-sum"] == (None, None)


def test_a_tenant_cannot_verify_because_it_sees_only_its_own(own_database: Database) -> None:
    scope = TenantScope(new_id())

    with transaction(scope) as session, pytest.raises(PartialViewError):
        ledger.verify(session, scope)
