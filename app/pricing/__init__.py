"""What a quantity costs: meters, offers, dated prices, rating. Prices are data, never code."""

from app.pricing.errors import (
    BadPriceError,
    BadQuantityError,
    BadTaxRateError,
    DateTakenError,
    NoPriceError,
    NothingSoldError,
    UnknownOfferError,
)
from app.pricing.models import CreditPurpose, Offer
from app.pricing.offers import add_meter, add_offer, get_offer, sell_offer, set_price
from app.pricing.queries import (
    SPAN_OF_TERMS,
    TARIFF_AS_JSON,
    TERMS_CHANGES,
    read_tariff,
    sold_offer_id,
    tax_terms,
)
from app.pricing.rules import Quote, Tariff, rate, require_quantity, tax_within

__all__ = [
    "SPAN_OF_TERMS",
    "TARIFF_AS_JSON",
    "TERMS_CHANGES",
    "BadPriceError",
    "BadQuantityError",
    "BadTaxRateError",
    "CreditPurpose",
    "DateTakenError",
    "NoPriceError",
    "NothingSoldError",
    "Offer",
    "Quote",
    "Tariff",
    "UnknownOfferError",
    "add_meter",
    "add_offer",
    "get_offer",
    "rate",
    "read_tariff",
    "require_quantity",
    "sell_offer",
    "set_price",
    "sold_offer_id",
    "tax_terms",
    "tax_within",
]
