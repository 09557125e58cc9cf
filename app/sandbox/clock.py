"""The virtual clock: real time plus what the developer added."""

import threading

from app.sandbox import checkout_sessions
from app.sandbox.store import Store, Transaction


def advance(tx: Transaction, seconds: float) -> None:
    """Move the clock forward; what falls due on the way happens."""
    tx.set_setting("clock_offset", str(offset(tx) + seconds))
    tx.now += seconds
    tx.wakes_courier = True
    run_due(tx)


def reset(tx: Transaction) -> None:
    """Return to real time."""
    tx.now -= offset(tx)
    tx.set_setting("clock_offset", "0")


def offset(tx: Transaction) -> float:
    """Return how many seconds the clock is ahead."""
    return float(tx.setting("clock_offset") or 0.0)


def run_due(tx: Transaction) -> None:
    """Expire what is past its time."""
    for row in tx.rows("SELECT object_id FROM timers WHERE due_at <= ? ORDER BY due_at", tx.now):
        checkout_sessions.expire_session(tx, tx.get("checkout.session", row["object_id"]))


class Timekeeper:
    """A background thread that looks at the clock once a second."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="sandbox-clock", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for the last look."""
        self._stopping.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stopping.wait(1.0):
            with self._store.transaction() as tx:
                run_due(tx)
