"""Credit that the platform gives or takes by hand (requirement C10)."""

from functools import partial

import psycopg
import pytest

from app import audit
from app.billing import (
    CreditAmountError,
    InsufficientFundsError,
    PlatformOnlyError,
    ReasonRefusedError,
    WalletNotFoundError,
    adjust_wallet,
)
from app.kernel import AppError, CurrencyMismatchError, Money, new_id, now, transaction
from app.ledger import KeyReusedError
from app.pricing import CreditPurpose
from app.tenancy import PLATFORM_ID
from tests.conftest import Database
from tests.factories import a_reseller, scope_of
from tests.factories.counts import rows_of_all_tables
from tests.factories.credits import (
    PLATFORM_ADMIN,
    REASON,
    adjust,
    broken_laws,
    euros,
)
from tests.factories.holds import a_hold, let_hold_expire
from tests.factories.money import (
    a_priced_reseller,
    a_wallet,
    an_offer,
    funds_of,
    owned_by,
    scope_of_wallet,
)
from tests.factories.races import all_at_once, answers

pytestmark = pytest.mark.usefixtures("own_database")


def taxes(book_id: object) -> tuple[int, int]:
    owned = owned_by(PLATFORM_ID, book_id=book_id)  # type: ignore[arg-type]
    return owned["tax_payable"], owned["tax_prepaid"]


def test_an_adjustment_gives_credit_whose_tax_falls_due_as_at_a_top_up() -> None:
    wallet = a_wallet(0)

    made = adjust(wallet, 1_190)

    assert (made.amount_minor, made.source, made.reason) == (1_190, "platform", REASON)
    assert funds_of(wallet) == 1_190
    assert taxes(wallet.reseller_id) == (190, -190)
    assert broken_laws() == {}


def test_an_adjustment_below_zero_takes_credit_and_its_tax_back() -> None:
    wallet = a_wallet(1_190)

    adjust(wallet, -595)

    assert funds_of(wallet) == 595
    assert taxes(wallet.reseller_id) == (95, -95)
    assert broken_laws() == {}


def test_with_multi_purpose_credit_no_tax_falls_due() -> None:
    reseller = a_priced_reseller(offer=an_offer(purpose=CreditPurpose.MULTI))
    wallet = a_wallet(0, reseller=reseller)

    adjust(wallet, 1_190)

    assert taxes(reseller.id) == (0, 0)


def test_c4_an_adjustment_never_takes_a_wallet_below_its_limit(own_database: Database) -> None:
    wallet = a_wallet(500)
    before = rows_of_all_tables(own_database.owner_url)

    with pytest.raises(InsufficientFundsError) as refused:
        adjust(wallet, -501)

    assert refused.value.facts["missing"] == 1
    assert funds_of(wallet) == 500
    assert rows_of_all_tables(own_database.owner_url) == before


def test_c3_an_adjustment_repeated_at_once_happens_once() -> None:
    wallet = a_wallet(0)

    results = all_at_once([partial(adjust, wallet, 700, key="once")] * 8)

    assert {made.id for made in answers(results)} == {answers(results)[0].id}
    assert len(answers(results)) == 8
    assert funds_of(wallet) == 700


def test_c3_a_key_with_another_amount_is_refused() -> None:
    wallet = a_wallet(0)
    adjust(wallet, 700, key="mine")

    with pytest.raises(KeyReusedError):
        adjust(wallet, 701, key="mine")

    assert funds_of(wallet) == 700


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [
        ({"amount": euros(0)}, CreditAmountError),
        ({"amount": euros(-100_000_001)}, CreditAmountError),
        ({"amount": Money(100, "USD")}, CurrencyMismatchError),
        ({"reason": " no "}, ReasonRefusedError),
        ({"reason": "x" * 201}, ReasonRefusedError),
        ({"reason": "two\nlines"}, ReasonRefusedError),
        ({"actor": audit.Actor("staff", new_id())}, PlatformOnlyError),
        ({"actor": audit.Actor("customer", new_id())}, PlatformOnlyError),
        ({"wallet_id": new_id()}, WalletNotFoundError),
    ],
)
def test_a_bad_adjustment_is_refused_and_changes_nothing(
    own_database: Database, wrong: dict[str, object], refusal: type[AppError]
) -> None:
    wallet = a_wallet(500)
    scope = scope_of_wallet(wallet)
    asked: dict[str, object] = {
        "wallet_id": wallet.id,
        "amount": euros(100),
        "reason": REASON,
        "key": "k",
        "now": now(),
        "actor": PLATFORM_ADMIN,
    }
    before = rows_of_all_tables(own_database.owner_url)

    with transaction(scope) as session, pytest.raises(refusal):
        adjust_wallet(session, scope, **{**asked, **wrong})  # type: ignore[arg-type]

    assert rows_of_all_tables(own_database.owner_url) == before


def test_another_resellers_wallet_cannot_be_adjusted() -> None:
    wallet = a_wallet(0)
    scope = scope_of(a_reseller())

    with transaction(scope) as session, pytest.raises(WalletNotFoundError):
        adjust_wallet(
            session,
            scope,
            wallet_id=wallet.id,
            amount=euros(100),
            reason=REASON,
            key="k",
            now=now(),
            actor=PLATFORM_ADMIN,
        )

    assert funds_of(wallet) == 0


def test_the_reason_stands_in_the_adjustment_and_not_in_the_audit_trail(
    own_database: Database,
) -> None:
    wallet = a_wallet(0)

    made = adjust(wallet, 700)

    with psycopg.connect(own_database.owner_url) as owner:
        facts = owner.execute(
            "SELECT facts FROM audit_records WHERE subject_id = %s"
            " AND action = 'billing.wallet_adjusted'",
            [wallet.id],
        ).fetchall()
    assert facts == [
        ({
            "adjustment": str(made.id),
            "amount_minor": 700,
            "currency": "EUR",
            "source": "platform",
        },)
    ]  # fmt: skip


def test_what_an_expired_hold_kept_back_may_be_taken(own_database: Database) -> None:
    wallet = a_wallet(1_000)
    let_hold_expire(a_hold(wallet, 1_000).id, own_database)

    adjust(wallet, -500)

    assert funds_of(wallet) == 500
    assert broken_laws() == {}


def test_what_an_open_hold_keeps_back_may_not_be_taken() -> None:
    wallet = a_wallet(1_000)
    a_hold(wallet, 600)

    with pytest.raises(InsufficientFundsError):
        adjust(wallet, -500)

    assert funds_of(wallet) == 1_000
