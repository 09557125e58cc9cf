from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from app.kernel.errors import AppError, Kind, translatable

# ISO 4217 exponents of the currencies Kontor deals in (requirement L4).
EXPONENTS = {"EUR": 2, "USD": 2, "GBP": 2}


class UnknownCurrencyError(AppError):
    """The currency is none that Kontor deals in."""

    kind = Kind.INVALID
    code = "money.unknown_currency"
    text = translatable("This currency is not supported. Use EUR, USD or GBP.")


class CurrencyMismatchError(AppError):
    """Two amounts of different currencies met in one sum or comparison."""

    kind = Kind.INVALID
    code = "money.currency_mismatch"
    text = translatable("Amounts in different currencies cannot be combined.")


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount: integer minor units (cents) and an ISO 4217 currency.

    Refuses an unknown currency; arithmetic refuses two different currencies.
    """

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if self.currency not in EXPONENTS:
            raise UnknownCurrencyError(currency=self.currency)

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._same(other)

    def __gt__(self, other: Money) -> bool:
        return self.minor > self._same(other)

    def __ge__(self, other: Money) -> bool:
        return self.minor >= self._same(other)

    def __bool__(self) -> bool:
        return self.minor != 0

    @property
    def amount(self) -> Decimal:
        """Return the amount in major units (euros), exactly."""
        return Decimal(self.minor).scaleb(-EXPONENTS[self.currency])

    def _same(self, other: Money) -> int:
        if other.currency != self.currency:
            raise CurrencyMismatchError(left=self.currency, right=other.currency)
        return other.minor
