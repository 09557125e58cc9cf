"""What a usage event costs and who earns it: pure, from terms that were read before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from app import commissions, pricing
from app.billing.spending import NOTHING_SPECIAL, RatingFacts, Split
from app.billing.terms import ChargeTerms
from app.kernel import Money


@dataclass(frozen=True, slots=True)
class Rated:
    """A rated event: what the quote says, and how what is collected of it is divided."""

    quote: pricing.Quote
    split: Split

    @property
    def net(self) -> int:
        """Return what is left after tax, in minor units."""
        return self.split.gross - self.split.tax

    def facts(self, *, bonus: int = 0, owed: int = 0) -> RatingFacts:
        """Return what is worth saying about the charge beside its price and quantity."""
        quote = self.quote
        is_plain = quote.tariff.is_plain
        if is_plain and not (bonus or owed) and quote.gross.minor == self.split.gross:
            return NOTHING_SPECIAL
        return RatingFacts(
            free=quote.free,
            parts=() if is_plain else tuple((p.quantity, p.unit_price) for p in quote.parts),
            is_minimum=quote.is_minimum,
            bonus=bonus,
            owed=owed,
            uncollected=quote.gross.minor - self.split.gross,
        )


def rate(terms: ChargeTerms, quantity: Decimal, *, used: Decimal) -> Rated:
    """Price a quantity and divide it; refuses what `pricing.rate` refuses."""
    quote = pricing.rate(terms.tariff, quantity, used=used)
    return Rated(quote, divide(quote.gross, quote.tax, terms.shares))


def collected(terms: ChargeTerms, rated: Rated, minor: int) -> Rated:
    """Return the same with only `minor` of it to be paid; its tax is the tax within that."""
    if minor == rated.split.gross:
        return rated
    paid = Money(minor, terms.tariff.currency)
    tax = pricing.tax_within(paid, terms.tariff.tax_rate)
    return Rated(rated.quote, divide(paid, tax, terms.shares))


def divide(gross: Money, tax: Money, terms: Sequence[commissions.Term]) -> Split:
    """Return a gross amount divided into its tax, the commissions by these terms, and the rest."""
    earned, revenue = commissions.divide(gross.minor - tax.minor, terms)
    return Split(gross.minor, tax.minor, earned, revenue)
