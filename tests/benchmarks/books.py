"""Proof, after a benchmark, that all the charges it made are right."""

from __future__ import annotations

from app import billing, ledger
from app.kernel import transaction
from app.tenancy import PlatformScope
from tests.benchmarks.figures import BrokenMeasurementError, Figure, required


def proven_books() -> Figure:
    """Check every law in the database this process is connected to; refuse to go on if one broke.

    A fast charge that books wrongly is worth nothing: then there is no figure at all.
    """
    scope = PlatformScope()
    with transaction(scope) as session:
        checks = [*ledger.verify(session, scope), *billing.verify(session, scope)]
    broken = {check.name: check.broken[:3] for check in checks if check.broken}
    if broken:
        raise BrokenMeasurementError(f"laws of the ledger are broken: {broken}")
    entries = next(check for check in checks if check.name == "key-used-once").examined
    if entries == 0:
        raise BrokenMeasurementError("there is nothing in the books")
    return required(
        "afterwards `kontor ledger verify`",
        "all laws hold",
        f"all {len(checks)} hold",
        is_met=True,
        detail=f"{entries:,} entries",
    )
