import re
from decimal import Decimal

from app.kernel import AppError, Kind, Money, translatable

# Requirement D1, in minor units.
PRESETS = (1_000, 2_500, 5_000, 10_000)
_TYPED = re.compile(r"(?P<major>\d{1,6})(?:[.,](?P<minor>\d{1,2}))?")


class UnreadableAmountError(AppError):
    """The typed amount is no amount."""

    kind = Kind.INVALID
    code = "web.unreadable_amount"
    text = translatable("Enter an amount such as 30 or 30.50.")


def read_amount(preset: str, custom: str, currency: str) -> Money:
    """Return the amount a top-up form asks for: the chosen preset, else what was typed.

    A comma and a point both mark the cents, whatever the language. Refuses everything else.
    """
    if preset:
        if preset not in {str(known) for known in PRESETS}:
            raise UnreadableAmountError(amount=preset[:20])
        return Money(int(preset), currency)
    typed = _TYPED.fullmatch(custom.strip().removesuffix("€").strip())
    if typed is None:
        raise UnreadableAmountError(amount=custom[:20])
    cents = (typed["minor"] or "").ljust(2, "0")
    return Money(int(Decimal(f"{typed['major']}{cents}")), currency)
