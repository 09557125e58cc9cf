import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class ShortMemory(Generic[Key, Value]):
    """A bounded memory of this process whose entries are forgotten after a while.

    Every step is one operation on a dict, so greenlets and threads need no lock: at worst two of
    them look the same thing up. Whoever looks something up that may be forgotten meanwhile asks
    for the `age` before and hands it back: what was read before the news is not kept after it.
    """

    def __init__(
        self, *, size: int, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._size = size
        self._seconds = seconds
        self._clock = clock
        self._kept: dict[Key, tuple[float, Value]] = {}
        self.age = 0

    def get(self, key: Key) -> Value | None:
        """Return what is remembered under `key`, unless it is too old."""
        found = self._kept.get(key)
        if found is None or found[0] < self._clock():
            return None
        return found[1]

    def put(self, key: Key, value: Value, *, age: int | None = None) -> None:
        """Remember `value`; the entry that was put first makes room.

        With an `age`, nothing is remembered if anything was forgotten since.
        """
        if age is not None and age != self.age:
            return
        self._kept.pop(key, None)
        while len(self._kept) >= self._size:
            self._kept.pop(next(iter(self._kept)), None)
        self._kept[key] = (self._clock() + self._seconds, value)

    def forget(self, key: Key) -> None:
        """Forget one entry."""
        self.age += 1
        self._kept.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        self.age += 1
        self._kept.clear()

    def __len__(self) -> int:
        return len(self._kept)
