"""Net volume of a month, from the sums of the ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol
from uuid import UUID

# A net price goes to these accounts: to resellers, and the rest to the platform.
COMMISSION = "commission"
REVENUE = "revenue"
SHARED = (COMMISSION, REVENUE)

# What is sold, and what takes a sale back. Bonuses and true-ups are no volume.
SALES = frozenset({"usage", "fee"})
TAKEN_BACK = "reversal"


class Moved(Protocol):
    """What entries of a kind moved on accounts of a kind, in minor units."""

    @property
    def kind(self) -> str:
        """The accounts' kind."""

    @property
    def currency(self) -> str:
        """The accounts' currency."""

    @property
    def entry_kind(self) -> str:
        """The entries' kind."""

    @property
    def debited(self) -> int:
        """What left the accounts."""

    @property
    def credited(self) -> int:
        """What came to the accounts."""


def sales(moved: Moved) -> int:
    """Return what of a sum was sold, whatever was taken back since."""
    return moved.credited if moved.kind in SHARED and moved.entry_kind in SALES else 0


def taken_back(moved: Moved) -> int:
    """Return what of a sum took sales back."""
    return moved.debited if moved.kind in SHARED and moved.entry_kind == TAKEN_BACK else 0


def net_sales(moved: Moved) -> int:
    """Return what of a sum was sold: credited by sales, less what was taken back."""
    return sales(moved) - taken_back(moved)


def volumes_by_currency(sums: Iterable[Moved]) -> dict[str, int]:
    """Return the net volume of sums, in minor units by currency."""
    volumes: dict[str, int] = defaultdict(int)
    for moved in sums:
        volumes[moved.currency] += net_sales(moved)
    return dict(volumes)


def at_and_below(own: Mapping[UUID, int], paths: Mapping[UUID, Sequence[UUID]]) -> dict[UUID, int]:
    """Return the volume at and below every reseller, from that of each book alone."""
    volumes = dict.fromkeys(paths, 0)
    for book, path in paths.items():
        for member in path:
            volumes[member] += own.get(book, 0)
    return volumes
