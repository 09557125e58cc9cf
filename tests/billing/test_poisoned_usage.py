"""An event that passed every check and that the database cannot read does not stop the others."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta, timezone
from functools import partial

import psycopg
import pytest

from app.billing import (
    Charge,
    MalformedUsageError,
    ReportedUsage,
    Result,
    Wallet,
    take_in,
    take_in_event,
    take_in_everywhere,
)
from app.kernel import now
from tests.factories.lines import a_line
from tests.factories.money import METER, a_wallet, funds_of, scope_of_wallet
from tests.factories.names import unique

pytestmark = pytest.mark.usefixtures("connected")
Take = Callable[[Iterable[ReportedUsage]], Iterator[Result]]
# What no event has that was validated: PostgreSQL reads no offset of 16 hours or more, and no NUL.
TIME = {"occurred_at": datetime(2026, 1, 5, tzinfo=timezone(timedelta(hours=-17)))}
NUMBER = {"counterparty": "+49\x00"}


def an_event(**payer: object) -> ReportedUsage:
    told = {"id": unique("event"), "meter": METER, "quantity": "1", **payer}
    return ReportedUsage.model_validate(told | {"occurred_at": now() - timedelta(minutes=1)})


@pytest.fixture
def wallet() -> Wallet:
    return a_wallet(5_000)


def take_everywhere(wallet: Wallet) -> Take:
    return partial(take_in_everywhere, now=now())


def take_here(wallet: Wallet) -> Take:
    return partial(take_in, scope_of_wallet(wallet), now=now())


@pytest.mark.parametrize("way", [take_here, take_everywhere])
def test_of_a_chunk_with_an_unreadable_subject_all_others_are_charged(
    wallet: Wallet, way: Callable[[Wallet], Take]
) -> None:
    line = a_line(wallet)
    events = [an_event(subject=line) for _ in range(5)]
    events[2] = events[2].model_copy(update=TIME)

    results = list(way(wallet)(events))

    outcomes = [type(each.outcome) for each in results]
    assert outcomes == [Charge, Charge, MalformedUsageError, Charge, Charge]
    assert [each.event_id for each in results] == [each.event_id for each in events]
    assert funds_of(wallet) == 4_996


def test_of_a_chunk_with_an_unreadable_number_all_others_are_charged(
    wallet: Wallet,
) -> None:
    events = [an_event(customer_id=wallet.customer_id) for _ in range(5)]
    events[0] = events[0].model_copy(update=NUMBER)

    results = list(take_here(wallet)(events))

    assert [type(each.outcome) for each in results] == [MalformedUsageError, *[Charge] * 4]
    assert funds_of(wallet) == 4_996


def test_alone_such_an_event_is_an_error_of_ours(wallet: Wallet) -> None:
    event = an_event(customer_id=wallet.customer_id).model_copy(update=NUMBER)

    with pytest.raises(psycopg.DataError):
        take_in_event(scope_of_wallet(wallet), event, now=now())

    assert funds_of(wallet) == 5_000
