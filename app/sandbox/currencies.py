"""Currencies the sandbox takes, their smallest units and smallest payments."""

from decimal import Decimal

from babel.numbers import format_currency

from app.sandbox.errors import InvalidParameterError

_WITHOUT_DECIMALS = frozenset({"clp", "isk", "jpy", "krw", "vnd"})
CURRENCIES = _WITHOUT_DECIMALS | frozenset(
    [
        "aud",
        "bgn",
        "brl",
        "cad",
        "chf",
        "cny",
        "czk",
        "dkk",
        "eur",
        "gbp",
        "hkd",
        "huf",
        "ils",
        "inr",
        "mxn",
        "myr",
        "nok",
        "nzd",
        "pln",
        "ron",
        "sek",
        "sgd",
        "thb",
        "try",
        "usd",
        "zar",
    ]
)
# docs.stripe.com/currencies#minimum-and-maximum-charge-amounts; half a unit where not listed.
_SMALLEST = {"gbp": 30, "dkk": 250, "nok": 300, "sek": 300, "czk": 1500, "huf": 17500, "pln": 200}
_SMALLEST |= {"aud": 50, "bgn": 100, "mxn": 1000, "ron": 200, "hkd": 400, "thb": 1000, "jpy": 50}
LARGEST = 99_999_999


def checked_currency(code: str, param: str) -> str:
    """Return the code in lower case; refuse unknown ones."""
    if code.lower() not in CURRENCIES:
        raise InvalidParameterError(
            f"Invalid currency: {code}. The sandbox supports these currencies:"
            f" {', '.join(sorted(CURRENCIES))}",
            param=param,
        )
    return code.lower()


def smallest(currency: str) -> int:
    """Return the smallest amount that may be paid."""
    return _SMALLEST.get(currency, 50)


def formatted(amount: int, currency: str, language: str = "en") -> str:
    """Return an amount as people write it: `€12.50`, or `12,50 €` in German."""
    exponent = 0 if currency in _WITHOUT_DECIMALS else 2
    return format_currency(Decimal(amount).scaleb(-exponent), currency.upper(), locale=language)


def check_amount(amount: int, currency: str, *, what: str, param: str) -> None:
    """Refuse amounts outside what Stripe takes."""
    least = smallest(currency)
    if amount < least:
        raise InvalidParameterError(
            f"{what} at least {formatted(least, currency)} {currency}",
            code="amount_too_small",
            param=param,
        )
    if amount > LARGEST:
        raise InvalidParameterError(
            f"{what} no more than {formatted(LARGEST, currency)} {currency}",
            code="amount_too_large",
            param=param,
        )
