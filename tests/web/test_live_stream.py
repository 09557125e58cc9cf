import json
import random
import threading
from dataclasses import dataclass, field

from flask_sse import Message

from app.kernel import Money
from app.web.live_hub import Listener, LiveHub
from app.web.live_states import LiveState
from app.web.live_stream import BalanceStream, StreamTimes


@dataclass
class Clock:
    """Time that passes only where somebody waits for it."""

    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Ear:
    """A listener that is told things at certain times."""

    clock: Clock
    at: dict[float, int] = field(default_factory=dict)
    alarm_at: float | None = None
    hangs_up_at: float | None = None
    is_closed: bool = False
    _told: int | None = None
    _alarm: bool = False

    def wait(self, timeout: float) -> None:
        until = self.clock.now + timeout
        events = [moment for moment in [*self.at, self.alarm_at] if moment is not None]
        self.clock.now = min([until, *(moment for moment in events if moment <= until)])
        if self.alarm_at is not None and self.alarm_at <= self.clock.now:
            self._alarm, self.alarm_at = True, None
        for moment in sorted(self.at):
            if moment <= self.clock.now:
                self._told = self.at.pop(moment)

    @property
    def has_hung_up(self) -> bool:
        return self.hangs_up_at is not None and self.clock.now >= self.hangs_up_at

    def take(self) -> Message | None:
        told, self._told = self._told, None
        return None if told is None else message(told)

    def take_alarm(self) -> bool:
        alarm, self._alarm = self._alarm, False
        return alarm

    def close(self) -> None:
        self.is_closed = True


def message(version: int) -> Message:
    data = {"version": version, "posted": version, "held": 0, "available": version}
    return Message({**data, "currency": "EUR"}, type="balance", id=str(version))


def state(version: int) -> LiveState:
    amount = Money(version, "EUR")
    nothing = Money(0, "EUR")
    return LiveState(version, amount, nothing, amount, nothing, nothing)


def a_stream(
    ear: Ear, *, first: int = 1, seen: int = -1, reads: int = 1, times: StreamTimes | None = None
) -> BalanceStream:
    return BalanceStream(
        ear,  # type: ignore[arg-type]
        state(first),
        read=lambda: state(reads),
        render=lambda told: {"version": told.version},
        seen=str(seen),
        times=times or StreamTimes(),
        chance=random.Random(1),
        clock=ear.clock,
    )


def versions(words: list[str]) -> list[int]:
    told = [word for word in words if word.startswith("event:balance")]
    return [int(word.split("\nid:")[1]) for word in told]


def test_the_first_state_comes_at_once_with_its_version_as_id() -> None:
    ear = Ear(Clock())

    stream = a_stream(ear, first=7)

    retry, first = next(stream), next(stream)
    assert ear.clock.now == 1_000.0
    assert 1_000 <= int(retry.removeprefix("retry:")) <= 5_000
    assert first == 'event:balance\ndata:{"version":7}\nid:7\n\n'


def test_a_client_that_has_the_state_is_sent_a_comment_instead() -> None:
    stream = a_stream(Ear(Clock()), first=7, seen=7)

    words = [next(stream), next(stream)]

    assert words[1].startswith(": ")
    assert words[1].endswith("\n\n")


def test_a_client_that_missed_something_is_sent_the_state() -> None:
    stream = a_stream(Ear(Clock()), first=7, seen=6)

    assert versions([next(stream), next(stream)]) == [7]


def test_an_older_version_is_never_sent_after_a_newer_one() -> None:
    clock = Clock()
    stream = a_stream(Ear(clock, at={1_001: 9, 1_002: 8, 1_003: 10}), first=7)

    words = [next(stream) for _ in range(4)]

    assert versions(words) == [7, 9, 10]


def test_a_quiet_stream_beats_every_fifteen_seconds() -> None:
    ear = Ear(Clock())
    stream = a_stream(ear)
    opening = [next(stream), next(stream)]

    beats = [(next(stream), ear.clock.now) for _ in range(3)]

    assert len(opening) == 2
    assert [at for _, at in beats] == [1_015, 1_030, 1_045]
    assert all(beat == ": alive\n\n" for beat, _ in beats)


def test_a_stream_says_bye_at_the_end_of_its_life_and_stops_listening() -> None:
    ear = Ear(Clock())

    words = list(a_stream(ear))

    assert words[-1] == "event:bye\ndata:{}\n\n"
    assert 1_000 + 900 * 0.8 <= ear.clock.now <= 1_000 + 900 * 1.2
    assert ear.is_closed


def test_a_stream_that_would_hear_nothing_says_bye_so_that_its_page_polls() -> None:
    ear = Ear(Clock(), hangs_up_at=1_010)

    words = list(a_stream(ear))

    assert words[-1] == "event:bye\ndata:{}\n\n"
    assert ear.clock.now <= 1_000 + 15
    assert ear.is_closed


def test_after_an_alarm_the_state_is_read_again_and_sent_if_it_is_newer() -> None:
    ear = Ear(Clock(), alarm_at=1_001)
    stream = a_stream(ear, first=7, reads=8)

    words = [next(stream) for _ in range(3)]

    assert versions(words) == [7, 8]
    assert 1_001 <= ear.clock.now <= 1_003


def test_after_an_alarm_a_state_that_is_known_is_not_sent_again() -> None:
    ear = Ear(Clock(), alarm_at=1_001)
    stream = a_stream(ear, first=7, reads=7)

    words = [next(stream) for _ in range(3)]

    assert versions(words) == [7]
    assert words[2] == ": alive\n\n"


def test_messages_go_on_while_a_stream_waits_to_read_again() -> None:
    ear = Ear(Clock(), at={1_001.0001: 9}, alarm_at=1_001)
    stream = a_stream(ear, first=7, reads=8)

    words = [next(stream) for _ in range(3)]

    assert versions(words) == [7, 9]


def test_a_stream_that_nobody_read_stops_listening_when_it_is_closed() -> None:
    ear = Ear(Clock())

    a_stream(ear).close()

    assert ear.is_closed


def test_the_figures_of_a_message_are_those_of_the_balance() -> None:
    told = json.loads(json.dumps(message(5).to_dict()))

    assert LiveState.from_message(Message(**told)) == state(5)


def test_a_listener_wakes_its_stream_when_a_message_comes() -> None:
    listener = Listener(LiveHub.__new__(LiveHub), "wallet.a")
    threading.Timer(0.05, listener.put, [message(1), 1]).start()

    listener.wait(5.0)

    told = listener.take()
    assert told is not None
    assert told.id == "1"


def with_bonus(minor: int, version: int = 7) -> LiveState:
    paid, bonus, nothing = Money(version, "EUR"), Money(minor, "EUR"), Money(0, "EUR")
    return LiveState(version, paid, nothing, paid + bonus, bonus, nothing)


def test_bonus_that_moves_without_a_new_version_is_sent_once() -> None:
    clock = Clock()
    ear = Ear(clock, alarm_at=1_001)
    stream = BalanceStream(
        ear,  # type: ignore[arg-type]
        with_bonus(500),
        read=lambda: with_bonus(300),
        render=lambda told: {"bonus": told.bonus.minor},
        seen="7.500.0",
        times=StreamTimes(),
        chance=random.Random(1),
        clock=clock,
    )

    words = [next(stream) for _ in range(3)]
    ear.alarm_at = clock.now + 1
    after = next(stream)

    assert words[1].startswith(": ")
    assert words[2] == 'event:balance\ndata:{"bonus":300}\nid:7.300.0\n\n'
    assert after.startswith(": ")


def test_a_message_of_before_there_was_a_bonus_can_be_read() -> None:
    told = {"version": 5, "posted": 5, "held": 0, "available": 5, "currency": "EUR"}

    assert LiveState.from_message(Message(told)) == state(5)
