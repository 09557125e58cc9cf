"""Many events at a time: each has its result, and none is the others' business (C12)."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from functools import partial
from itertools import islice
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import text

from app import billing, ledger
from app.billing import (
    BlockReason,
    Charge,
    Reported,
    ReportedUsage,
    Result,
    Wallet,
    block_customer,
    read_reported,
    take_in,
    take_in_event,
    take_in_event_anywhere,
    take_in_everywhere,
    unreadable,
)
from app.embedded import PostgresServer
from app.kernel import AppError, now, transaction
from app.tenancy import PlatformScope
from tests.conftest import Database
from tests.factories.broken_locks import refuse_many_at_once
from tests.factories.databases import a_database_of_its_own, connected_to
from tests.factories.lines import a_line
from tests.factories.money import (
    METER,
    a_priced_reseller,
    a_settled_top_up,
    a_wallet,
    an_offer,
    funds_of,
    scope_of_wallet,
)
from tests.factories.names import unique
from tests.factories.races import all_at_once

pytestmark = pytest.mark.usefixtures("connected")
ARRIVED = now()


@pytest.fixture
def restless(cluster: PostgresServer, connected: Database) -> Iterator[Database]:
    """A database of the test's own where many entries at once always find moved books."""
    with a_database_of_its_own(cluster) as database, connected_to(database):
        refuse_many_at_once(database, state="KL004")
        yield database


def event(wallet: Wallet | None = None, **changes: object) -> ReportedUsage:
    """A minute of use, a cent, of the wallet's customer or of a subject."""
    told: dict[str, object] = {
        "id": unique("event"),
        "meter": METER,
        "quantity": "1",
        "occurred_at": ARRIVED - timedelta(minutes=1),
        **({} if wallet is None else {"customer_id": wallet.customer_id}),
        **changes,
    }
    return ReportedUsage.model_validate(told)


def taken(wallet: Wallet, events: Sequence[Reported], *, chunk: int = 1_000) -> list[Result]:
    return list(take_in(scope_of_wallet(wallet), events, now=ARRIVED, chunk=chunk))


def told(results: Sequence[Result]) -> list[str]:
    """What became of each: charged, repeated, or the code of its refusal."""
    return [_word(result.outcome) for result in results]


def _word(outcome: Charge | AppError) -> str:
    if isinstance(outcome, AppError):
        return outcome.code
    return "repeated" if outcome.replayed else "charged"


def entries_of(wallet: Wallet) -> int:
    with transaction(PlatformScope()) as session:
        counted = session.scalar(
            text("SELECT count(*) FROM ledger_entries WHERE book_id = :book AND kind = 'usage'"),
            {"book": wallet.reseller_id},
        )
    return int(counted or 0)


def broken_laws(book: UUID) -> set[str]:
    """Which laws this reseller's book breaks; other tests break theirs on purpose."""
    scope = PlatformScope()
    with transaction(scope) as session:
        checks = [*ledger.verify(session, scope), *billing.verify(session, scope)]
    return {check.name for check in checks if any(row.book_id == book for row in check.rows)}


def block(wallet: Wallet) -> None:
    scope = scope_of_wallet(wallet)
    with transaction(scope) as session:
        block_customer(session, scope, customer_id=wallet.customer_id, reason=BlockReason.MISUSE)


def test_every_event_has_its_result_and_no_refusal_touches_its_neighbours() -> None:
    reseller = a_priced_reseller()
    wallet, blocked, poor = (a_wallet(funds, reseller=reseller) for funds in (5_000, 5_000, 500))
    block(blocked)
    first = event(wallet)
    events: list[Reported] = [
        first,
        event(wallet, meter="unknown_meter"),
        first,
        event(wallet, id=first.event_id, quantity="2"),
        event(wallet, occurred_at=ARRIVED + timedelta(hours=1)),
        event(blocked),
        unreadable("nonsense"),
        event(poor, quantity="501"),
        event(a_wallet(5_000)),
        event(subject=f"line:{unique('nobody')}"),
        event(wallet, occurred_at=ARRIVED - timedelta(days=400)),
    ]

    results = taken(wallet, events)

    assert told(results) == [
        "charged",
        "pricing.no_price",
        "repeated",
        "billing.event_id_reused",
        "billing.future_usage",
        "billing.customer_blocked",
        "billing.malformed_usage",
        "billing.insufficient_funds",
        "billing.customer_not_found",
        "billing.unknown_subject",
        "charged",
    ]
    assert [each.event_id for each in results] == [
        each.event_id if isinstance(each, ReportedUsage) else None for each in events
    ]
    assert [funds_of(each) for each in (wallet, blocked, poor)] == [4_998, 5_000, 500]
    assert entries_of(wallet) == 2


@pytest.mark.parametrize("chunk", [1, 2, 3, 100])
def test_results_are_the_same_however_the_events_are_cut(chunk: int) -> None:
    wallet = a_wallet(500)
    twin = event(wallet)
    # 300 + 199 + 1 are paid; the second 300 finds too little.
    events = [
        event(wallet, quantity="300"), event(wallet, quantity="300"),
        event(wallet, quantity="199"), twin, twin, event(wallet),
    ]  # fmt: skip

    results = taken(wallet, events, chunk=chunk)

    poor = "billing.insufficient_funds"
    assert told(results) == ["charged", poor, "charged", "charged", "repeated", poor]
    assert funds_of(wallet) == 0


def test_sent_again_after_a_top_up_only_what_was_refused_is_charged() -> None:
    wallet = a_wallet(500)
    events = [event(wallet, quantity="300") for _ in range(3)]
    taken(wallet, events)
    a_settled_top_up(wallet, 1_000)

    again = taken(wallet, events)

    assert told(again) == ["repeated", "charged", "charged"]
    assert funds_of(wallet) == 600


def test_a_chunk_is_charged_before_its_results_and_no_more_than_that() -> None:
    wallet = a_wallet(5_000)
    events = [event(wallet) for _ in range(10)]
    results = take_in(scope_of_wallet(wallet), iter(events), now=ARRIVED, chunk=3)

    some = list(islice(results, 4))

    assert told(some) == ["charged"] * 4
    assert funds_of(wallet) == 4_994


def test_a_subject_pays_by_whose_it_was_when_it_was_used() -> None:
    reseller = a_priced_reseller()
    before, after = a_wallet(5_000, reseller=reseller), a_wallet(5_000, reseller=reseller)
    line = a_line(before)
    moved = now() + timedelta(minutes=5)
    a_line(after, line, valid_from=moved)
    old = event(subject=f" {line.upper()} ", occurred_at=moved - timedelta(days=1), quantity="10")
    new = event(subject=line, occurred_at=moved + timedelta(seconds=1), quantity="20")

    results = list(take_in(scope_of_wallet(before), [new, old], now=moved + timedelta(hours=1)))

    assert told(results) == ["charged", "charged"]
    assert (funds_of(before), funds_of(after)) == (4_990, 4_980)
    assert subjects_recorded(before) == {line}


def subjects_recorded(wallet: Wallet) -> set[str | None]:
    with transaction(PlatformScope()) as session:
        rows = session.execute(
            text("SELECT subject FROM usage_records WHERE reseller_id = :reseller"),
            {"reseller": wallet.reseller_id},
        )
        return {row.subject for row in rows}


def test_a_subject_of_another_reseller_looks_like_nobodys() -> None:
    mine, other = a_wallet(5_000), a_wallet(5_000)
    line = a_line(other)

    results = taken(mine, [event(subject=line)])

    assert told(results) == ["billing.unknown_subject"]
    assert funds_of(other) == 5_000


def test_the_platforms_meter_finds_reseller_and_customer_of_each_subject() -> None:
    wallets = [a_wallet(5_000) for _ in range(3)]
    lines = [a_line(wallet) for wallet in wallets]
    events: list[Reported] = [
        event(subject=lines[number % 3], quantity=str(number + 1)) for number in range(9)
    ]
    events.insert(4, event(wallets[0]))
    events.insert(2, event(subject="line:nobody"))

    results = list(take_in_everywhere(events, now=ARRIVED, chunk=4))

    refused = {2: "billing.unknown_subject", 5: "billing.subject_needed"}
    assert told(results) == [refused.get(place, "charged") for place in range(11)]
    assert [each.event_id for each in results] == [
        each.event_id for each in events if isinstance(each, ReportedUsage)
    ]
    # 1 + 4 + 7, 2 + 5 + 8, 3 + 6 + 9
    assert [funds_of(wallet) for wallet in wallets] == [4_988, 4_985, 4_982]


def test_one_event_alone_says_the_same() -> None:
    wallet = a_wallet(5_000)
    named, by_line = event(wallet), event(subject=a_line(wallet))

    charges = [
        take_in_event(scope_of_wallet(wallet), named, now=ARRIVED),
        take_in_event_anywhere(by_line, now=ARRIVED),
        take_in_event(scope_of_wallet(wallet), by_line, now=ARRIVED),
    ]

    assert [each.replayed for each in charges] == [False, False, True]
    assert funds_of(wallet) == 4_998


def test_one_event_alone_is_refused_the_same() -> None:
    wallet = a_wallet(5_000)

    with pytest.raises(billing.UnknownSubjectError):
        take_in_event(scope_of_wallet(wallet), event(subject="line:nobody"), now=ARRIVED)
    with pytest.raises(billing.UnknownSubjectError):
        take_in_event_anywhere(event(subject="line:nobody"), now=ARRIVED)
    with pytest.raises(billing.SubjectNeededError):
        take_in_event_anywhere(event(wallet), now=ARRIVED)

    assert funds_of(wallet) == 5_000


def test_c3_the_same_batch_four_times_at_once_is_charged_once() -> None:
    wallet = a_wallet(5_000)
    events = [event(wallet) for _ in range(30)]

    batches = all_at_once([partial(taken, wallet, events, chunk=7)] * 4)

    results = [each for batch in batches if isinstance(batch, list) for each in batch]
    assert len(results) == 120
    assert sorted(told(results)) == ["charged"] * 30 + ["repeated"] * 90
    assert funds_of(wallet) == 4_970
    assert broken_laws(wallet.reseller_id) == set()


def test_c3_of_one_id_at_many_customers_at_once_one_is_charged() -> None:
    reseller = a_priced_reseller()
    wallets = [a_wallet(5_000, reseller=reseller) for _ in range(4)]
    ids = [unique("event") for _ in range(25)]

    batches = all_at_once(
        [partial(taken, each, [event(each, id=name) for name in ids]) for each in wallets]
    )

    words = [told(batch) for batch in batches if isinstance(batch, list)]
    assert [sorted(word) for word in zip(*words, strict=True)] == [
        ["billing.event_id_reused"] * 3 + ["charged"]
    ] * 25
    assert sum(funds_of(each) for each in wallets) == 4 * 5_000 - 25
    assert broken_laws(reseller.id) == set()


def test_a_chunk_that_is_refused_as_a_whole_is_charged_one_by_one(restless: Database) -> None:
    wallet = a_wallet(5_000)
    events = [event(wallet), event(wallet, meter="unknown_meter"), event(wallet)]

    results = taken(wallet, events)

    assert told(results) == ["charged", "pricing.no_price", "charged"]
    assert funds_of(wallet) == 4_998


def test_books_that_never_rest_refuse_an_event_that_needs_care(restless: Database) -> None:
    # An allowance is counted under the wallet's lock, never in one statement.
    free = an_offer(allowance="10", meter="minutes_of_care")
    wallet = a_wallet(5_000, reseller=a_priced_reseller(offer=free))

    results = taken(
        wallet, [event(wallet, meter="minutes_of_care"), event(wallet, meter="unknown")]
    )

    assert told(results) == ["ledger.books_moved", "pricing.no_price"]
    assert (funds_of(wallet), entries_of(wallet)) == (5_000, 0)


MALFORMED: dict[str, list[object]] = {
    "id": ["", "a b", "x" * 121, "é", None, 7],
    "customer_id": ["42", 7],
    "subject": ["x", "x" * 121, "line:\x00", "line:\ud800"],
    "meter": ["Call Minutes", "", None],
    "quantity": ["0", "-1", "NaN", "Infinity", "0.0000001", "1e10", "many", None, []],
    "occurred_at": ["2026-11-20T09:15:00", "yesterday", "2026", 7, None,
                    "0001-01-01T00:00:00+14:00"],
    "counterparty": ["4", "+49\n151", "+49\x00"],
    "colour": ["red"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field, some in MALFORMED.items() for value in some]
)
def test_a_malformed_event_is_refused_naming_the_field(field: str, value: object) -> None:
    payer = {} if field == "subject" else {"customer_id": str(a_wallet(0).customer_id)}
    sent = {
        "id": "event-1", "meter": METER, "quantity": "1",
        "occurred_at": "2026-01-01T00:00:00Z", **payer, field: value,
    }  # fmt: skip

    result = read_reported(sent)

    assert isinstance(result, Result)
    assert isinstance(result.outcome, billing.MalformedUsageError)
    errors = result.outcome.facts["errors"]
    assert isinstance(errors, list)
    assert [each["field"] for each in errors] == [field]


@pytest.mark.parametrize("payer", [{}, {"customer_id": str(UUID(int=7)), "subject": "line:1"}])
def test_an_event_names_exactly_one_payer(payer: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="either customer_id or subject"):
        event(None, **payer)


@pytest.mark.parametrize("nonsense", [None, 7, "text", [], [[]], True, Decimal(1)])
def test_what_is_no_event_is_refused(nonsense: object) -> None:
    result = read_reported(nonsense)

    assert isinstance(result, Result)
    assert (result.event_id, told([result])) == (None, ["billing.malformed_usage"])


@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    numbers=st.lists(st.integers(0, 9), max_size=12),
    repeats=st.lists(st.integers(0, 9), max_size=6),
    chunk=st.integers(1, 7),
)
def test_law_money_taken_is_the_sum_of_what_was_charged_once(
    numbers: list[int], repeats: list[int], chunk: int
) -> None:
    wallet = a_wallet(2_000)
    known = [event(wallet, quantity=str(100 * (number + 1))) for number in range(10)]
    events = [known[number] for number in numbers + repeats]

    results = taken(wallet, events, chunk=chunk)

    charged = [
        result.outcome.gross.minor
        for result in results
        if isinstance(result.outcome, Charge) and not result.outcome.replayed
    ]
    assert len(results) == len(events)
    assert funds_of(wallet) == 2_000 - sum(charged) >= 0
    assert entries_of(wallet) == len(charged)
