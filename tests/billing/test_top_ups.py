from dataclasses import replace
from datetime import timedelta

import pytest

from app.billing import (
    GREATEST_TOP_UP,
    LEAST_TOP_UP,
    AmountMismatchError,
    AmountRefusedError,
    RequestKeyReusedError,
    TopUp,
    TopUpInProgressError,
    TopUpNotFoundError,
    TopUpState,
    Wallet,
    WalletNotFoundError,
    attach_checkout,
    get_top_up,
    list_top_ups,
    note_decline,
    request_top_up,
)
from app.billing.rules import may_move
from app.billing.top_ups import PAGE_LIFETIME
from app.kernel import Money, new_id, now, transaction
from app.payments import CheckoutPage, CheckoutResult, CheckoutState, PaymentClaimedError
from app.pricing import CreditPurpose, NothingSoldError
from app.tenancy import PLATFORM_ID, TenantScope
from tests.factories import a_reseller
from tests.factories.counts import rows_of_all_tables
from tests.factories.money import (
    a_pending_top_up,
    a_priced_reseller,
    a_settled_top_up,
    a_top_up,
    a_wallet,
    an_offer,
    funds_of,
    owned_by,
    paid,
    scope_of_wallet,
    settle,
)

pytestmark = pytest.mark.usefixtures("connected")
TEN_EUROS = Money(1_000, "EUR")
CREATING, PENDING, SETTLED, FAILED, EXPIRED = TopUpState


def says(top_up: TopUp, state: CheckoutState) -> CheckoutResult:
    """The processor's word on a top-up; only a paid one names its payment."""
    word = paid(top_up)
    return word if state is CheckoutState.PAID else replace(word, state=state, payment_id=None)


def request(
    wallet: Wallet, amount: Money = TEN_EUROS, *, key: str = "key", seconds_ago: int = 0
) -> TopUp:
    scope = scope_of_wallet(wallet)
    with transaction(scope) as session:
        return request_top_up(
            session,
            scope,
            customer_id=wallet.customer_id,
            amount=amount,
            request_key=key,
            now=now() - timedelta(seconds=seconds_ago),
        )


def present(top_up: TopUp) -> TopUp:
    with transaction(TenantScope(top_up.reseller_id)) as session:
        return session.get_one(TopUp, (top_up.reseller_id, top_up.id))


def a_top_up_in(state: TopUpState, wallet: Wallet) -> TopUp:
    """A top-up that came into a state the way the product brings it there."""
    if state is CREATING:
        return a_top_up(wallet)
    if state is FAILED:
        abandoned = request(wallet, seconds_ago=61)
        a_top_up(wallet)
        return abandoned
    top_up = a_pending_top_up(wallet)
    if state is SETTLED:
        settle(top_up)
    if state is EXPIRED:
        settle(top_up, says(top_up, CheckoutState.EXPIRED))
    return top_up


def after(state: TopUpState, word: CheckoutState) -> TopUpState:
    """What a top-up becomes: money that arrived counts, whatever was believed before."""
    if word is CheckoutState.PAID:
        return SETTLED
    if word is CheckoutState.EXPIRED and state in {CREATING, PENDING}:
        return EXPIRED
    return state


@pytest.mark.parametrize("word", CheckoutState)
@pytest.mark.parametrize("state", TopUpState)
def test_every_word_of_the_processor_in_every_state(state: TopUpState, word: CheckoutState) -> None:
    wallet = a_wallet(0)
    top_up = a_top_up_in(state, wallet)
    assert present(top_up).state == state.value

    for _ in range(2):
        settle(top_up, says(top_up, word))

    expected = after(state, word)
    assert present(top_up).state == expected.value
    assert funds_of(wallet) == (1_000 if expected is SETTLED else 0)


def test_a_settled_top_up_never_moves_again() -> None:
    assert not any(may_move(SETTLED, target) for target in TopUpState)


def test_r12_a_late_success_after_expiry_still_credits() -> None:
    wallet = a_wallet(0)
    top_up = a_top_up_in(EXPIRED, wallet)

    settled = settle(top_up)

    assert (settled.state, settled.failure, funds_of(wallet)) == ("settled", None, 1_000)
    assert settled.settled_at is not None
    assert settled.payment_id == paid(top_up).payment_id


def mismatches(top_up: TopUp) -> dict[str, CheckoutResult]:
    word = paid(top_up)
    return {
        "a cent less": replace(word, paid=Money(999, "EUR")),
        "a cent more": replace(word, paid=Money(1_001, "EUR")),
        "another currency": replace(word, paid=Money(1_000, "USD")),
        "another top-up": replace(word, reference=str(new_id())),
        "no payment": replace(word, payment_id=None),
    }


@pytest.mark.parametrize(
    "case", ["a cent less", "a cent more", "another currency", "another top-up", "no payment"]
)
def test_r13_a_payment_that_does_not_match_credits_nothing(case: str, owner_url: str) -> None:
    wallet = a_wallet(0)
    top_up = a_pending_top_up(wallet)
    before = rows_of_all_tables(owner_url)

    with pytest.raises(AmountMismatchError):
        settle(top_up, mismatches(top_up)[case])

    assert rows_of_all_tables(owner_url) == before
    assert (present(top_up).state, funds_of(wallet)) == ("pending", 0)
    assert settle(top_up).state == "settled"


def test_r14_a_payment_that_paid_one_top_up_does_not_pay_another() -> None:
    wallet, other = a_wallet(0), a_wallet(0)
    first = a_settled_top_up(wallet)
    second = a_top_up(other)

    with pytest.raises(PaymentClaimedError):
        settle(second, paid(second, payment_id=first.payment_id))

    assert (present(second).state, funds_of(other)) == ("creating", 0)


def test_a_top_up_of_another_reseller_is_not_found() -> None:
    top_up = a_top_up(a_wallet(0))
    stranger = TenantScope(a_reseller().id)

    with transaction(stranger) as session, pytest.raises(TopUpNotFoundError):
        note_decline(session, stranger, top_up_id=top_up.id)


def test_a_declined_card_leaves_the_page_open_and_the_next_card_pays() -> None:
    wallet = a_wallet(0)
    top_up = a_pending_top_up(wallet)
    scope = scope_of_wallet(wallet)

    with transaction(scope) as session:
        declined = note_decline(session, scope, top_up_id=top_up.id)
    settled = settle(top_up)

    assert (declined.state, declined.failure) == ("pending", "declined")
    assert (settled.state, settled.failure, funds_of(wallet)) == ("settled", None, 1_000)


def test_a_late_decline_does_not_mark_a_settled_top_up() -> None:
    wallet = a_wallet(0)
    top_up = a_top_up_in(SETTLED, wallet)
    scope = scope_of_wallet(wallet)

    with transaction(scope) as session:
        note_decline(session, scope, top_up_id=top_up.id)

    assert (present(top_up).state, present(top_up).failure) == ("settled", None)


def test_the_hosted_page_is_kept_once() -> None:
    top_up = a_pending_top_up(a_wallet(0))
    scope = TenantScope(top_up.reseller_id)

    with transaction(scope) as session:
        page = CheckoutPage("cs_second", "https://pay.example/second")
        again = attach_checkout(session, scope, top_up_id=top_up.id, page=page)

    assert (again.session_id, again.checkout_url) == (top_up.session_id, top_up.checkout_url)


@pytest.mark.parametrize(
    ("purpose", "prepaid"), [(CreditPurpose.SINGLE, 160), (CreditPurpose.MULTI, 0)]
)
def test_the_tax_of_single_purpose_credit_falls_due_with_the_top_up(
    purpose: CreditPurpose, prepaid: int
) -> None:
    reseller = a_priced_reseller(offer=an_offer(purpose=purpose))

    a_settled_top_up(a_wallet(0, reseller=reseller), 1_000)

    owned = owned_by(PLATFORM_ID, book_id=reseller.id)
    assert owned["clearing"] == -1_000
    assert (owned["tax_payable"], owned["tax_prepaid"]) == (prepaid, -prepaid)


@pytest.mark.parametrize("minor", [-1_000, 0, LEAST_TOP_UP - 1, GREATEST_TOP_UP + 1])
def test_an_amount_outside_the_limits_is_refused(minor: int) -> None:
    with pytest.raises(AmountRefusedError):
        request(a_wallet(0), Money(minor, "EUR"))


@pytest.mark.parametrize("minor", [LEAST_TOP_UP, GREATEST_TOP_UP])
def test_the_least_and_the_greatest_amount_are_accepted(minor: int) -> None:
    assert request(a_wallet(0), Money(minor, "EUR")).amount_minor == minor


def test_an_amount_in_a_currency_without_a_wallet_is_refused() -> None:
    with pytest.raises(WalletNotFoundError):
        request(a_wallet(0), Money(1_000, "USD"))


def test_a_customer_of_another_reseller_is_not_found() -> None:
    wallet, stranger = a_wallet(0), TenantScope(a_priced_reseller().id)

    def ask() -> None:
        with transaction(stranger) as session:
            request_top_up(
                session,
                stranger,
                customer_id=wallet.customer_id,
                amount=Money(1_000, "EUR"),
                request_key="key",
                now=now(),
            )

    with pytest.raises(WalletNotFoundError):
        ask()


def test_no_money_is_asked_for_where_nothing_is_sold() -> None:
    wallet = a_wallet(0, reseller=a_reseller())

    with pytest.raises(NothingSoldError):
        request(wallet)


def test_the_same_request_key_returns_the_same_top_up() -> None:
    wallet = a_wallet(0)

    first, again = request(wallet, key="k"), request(wallet, key="k")

    assert first.id == again.id


def test_a_request_key_used_with_another_amount_is_refused() -> None:
    wallet = a_wallet(0)
    request(wallet, Money(1_000, "EUR"), key="k")

    with pytest.raises(RequestKeyReusedError):
        request(wallet, Money(2_000, "EUR"), key="k")


def test_two_customers_may_use_one_request_key() -> None:
    reseller = a_priced_reseller()
    wallets = [a_wallet(0, reseller=reseller), a_wallet(0, reseller=reseller)]

    top_ups = [request(wallet, key="k") for wallet in wallets]

    assert top_ups[0].id != top_ups[1].id


def test_d1_a_second_top_up_waits_while_one_is_being_created() -> None:
    wallet = a_wallet(0)
    request(wallet, key="first")

    with pytest.raises(TopUpInProgressError) as refused:
        request(wallet, key="second")

    assert refused.value.facts == {"retry_after": 5}


def test_d1_a_second_top_up_may_follow_when_the_first_has_its_page() -> None:
    wallet = a_wallet(0)
    a_pending_top_up(wallet)

    assert request(wallet).state == "creating"


def test_a_creation_whose_process_died_does_not_block_the_wallet() -> None:
    wallet = a_wallet(0)
    dead = request(wallet, key="dead", seconds_ago=61)

    alive = request(wallet, key="alive")

    assert (present(dead).state, present(dead).failure) == ("failed", "abandoned")
    assert alive.state == "creating"


def test_a_creation_that_still_runs_is_not_given_up() -> None:
    wallet = a_wallet(0)
    running = request(wallet, key="running", seconds_ago=50)

    with pytest.raises(TopUpInProgressError):
        request(wallet, key="impatient")

    assert present(running).state == "creating"


def test_d1_a_page_lives_a_little_longer_than_stripes_least() -> None:
    top_up = request(a_wallet(0))

    assert top_up.expires_at - top_up.created_at == PAGE_LIFETIME > timedelta(minutes=30)


def test_a_customer_finds_its_own_top_ups_newest_first_and_no_other() -> None:
    reseller = a_priced_reseller()
    wallet, other = a_wallet(0, reseller=reseller), a_wallet(0, reseller=reseller)
    top_ups = [a_pending_top_up(wallet) for _ in range(3)]
    scope = scope_of_wallet(wallet)

    with transaction(scope) as session:
        listed = list_top_ups(session, scope, wallet_id=wallet.id)
        mine = get_top_up(session, scope, customer_id=wallet.customer_id, top_up_id=top_ups[0].id)
        with pytest.raises(TopUpNotFoundError):
            get_top_up(session, scope, customer_id=other.customer_id, top_up_id=top_ups[0].id)

    assert [each.id for each in listed] == [each.id for each in reversed(top_ups)]
    assert mine.id == top_ups[0].id
