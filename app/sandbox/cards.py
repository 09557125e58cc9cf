"""Stripe's test cards (docs.stripe.com/testing) and what each of them does.

A number that is not in this table is declined as a live card would be in test mode, and no number
is ever stored: a card is known again by its fingerprint.
"""

import hashlib
import string
from dataclasses import dataclass
from enum import StrEnum

_ALPHABET = string.ascii_letters + string.digits


class Challenge(StrEnum):
    """When the bank asks the customer for 3-D Secure."""

    NEVER = "never"
    UNLESS_SET_UP = "unless_set_up"
    ALWAYS = "always"


@dataclass(frozen=True)
class Decline:
    """Why a card is declined: the code, and for `card_declined` the issuer's reason."""

    code: str
    decline_code: str | None
    message: str
    is_blocked: bool = False


@dataclass(frozen=True)
class TestCard:
    """One test card."""

    number: str
    token: str
    brand: str = "visa"
    country: str = "US"
    funding: str = "credit"
    decline: str | None = None
    challenge: Challenge = Challenge.NEVER
    cvc_check: str = "pass"

    @property
    def last4(self) -> str:
        """The last four digits."""
        return self.number[-4:]

    @property
    def fingerprint(self) -> str:
        """The same sixteen letters and digits for the same number, everywhere."""
        digest = int.from_bytes(hashlib.sha256(b"sandbox card " + self.number.encode()).digest())
        return "".join(_ALPHABET[digest // 62**place % 62] for place in range(16))

    @property
    def cvc_length(self) -> int:
        """How many digits the security code has."""
        return 4 if self.brand == "amex" else 3


DECLINES = {
    decline.decline_code or decline.code: decline
    for decline in (
        Decline("card_declined", "generic_decline", "Your card was declined."),
        Decline("card_declined", "insufficient_funds", "Your card has insufficient funds."),
        Decline("card_declined", "lost_card", "Your card was declined."),
        Decline("card_declined", "stolen_card", "Your card was declined."),
        Decline("card_declined", "do_not_honor", "Your card was declined."),
        Decline("card_declined", "fraudulent", "Your card was declined.", is_blocked=True),
        Decline(
            "card_declined",
            "card_velocity_exceeded",
            "Your card was declined for making repeated attempts too frequently or exceeding its"
            " amount limit.",
        ),
        Decline(
            "card_declined",
            "test_mode_live_card",
            "Your card was declined. Your request was in test mode, but used a non test card. For a"
            " list of valid test cards, visit: https://stripe.com/docs/testing.",
        ),
        Decline("expired_card", None, "Your card has expired."),
        Decline("incorrect_cvc", None, "Your card's security code is incorrect."),
        Decline("incorrect_number", None, "Your card number is incorrect."),
        Decline(
            "processing_error",
            None,
            "An error occurred while processing your card. Try again in a little bit.",
        ),
        Decline(
            "authentication_required",
            "authentication_required",
            "Your card was declined. This transaction requires authentication.",
        ),
    )
}

TEST_CARDS = (
    TestCard("4242424242424242", "visa"),
    TestCard("4000056655665556", "visa_debit", funding="debit"),
    TestCard("5555555555554444", "mastercard", brand="mastercard"),
    TestCard("5200828282828210", "mastercard_debit", brand="mastercard", funding="debit"),
    TestCard("378282246310005", "amex", brand="amex"),
    TestCard("4000002760000016", "de", country="DE"),
    TestCard("4000000400000008", "at", country="AT"),
    TestCard("4000007560000009", "ch", country="CH"),
    TestCard("4000002500000003", "fr", country="FR"),
    TestCard("4000008260000000", "gb", country="GB"),
    TestCard("4000000000000101", "cvcCheckFail", cvc_check="fail"),
    TestCard("4000000000000002", "chargeDeclined", decline="generic_decline"),
    TestCard("4000000000009995", "chargeDeclinedInsufficientFunds", decline="insufficient_funds"),
    TestCard("4000000000009987", "chargeDeclinedLostCard", decline="lost_card"),
    TestCard("4000000000009979", "chargeDeclinedStolenCard", decline="stolen_card"),
    TestCard("4000000000000069", "chargeDeclinedExpiredCard", decline="expired_card"),
    TestCard(
        "4000000000000127",
        "chargeDeclinedIncorrectCvc",
        decline="incorrect_cvc",
        cvc_check="fail",
    ),
    TestCard("4000000000000119", "chargeDeclinedProcessingError", decline="processing_error"),
    TestCard("4000000000006975", "visa_velocity", decline="card_velocity_exceeded"),
    TestCard("4000000000000341", "chargeCustomerFail", decline="generic_decline"),
    TestCard("4100000000000019", "radarBlock", decline="fraudulent"),
    TestCard(
        "4000002500003155", "authenticationRequiredOnSetup", challenge=Challenge.UNLESS_SET_UP
    ),
    TestCard("4000002760003184", "authenticationRequired", challenge=Challenge.ALWAYS),
    TestCard("4000000000003220", "threeDSecure2Required", challenge=Challenge.ALWAYS),
    TestCard(
        "4000008400001629",
        "threeDSecureRequiredChargeDeclined",
        decline="generic_decline",
        challenge=Challenge.ALWAYS,
    ),
    TestCard(
        "4000008260003178",
        "authenticationRequiredChargeDeclinedInsufficientFunds",
        decline="insufficient_funds",
        challenge=Challenge.ALWAYS,
    ),
)

_BY_NUMBER = {card.number: card for card in TEST_CARDS}
_BY_FINGERPRINT = {card.fingerprint: card for card in TEST_CARDS}
_BY_TOKEN = {f"pm_card_{card.token}": card for card in TEST_CARDS}


def by_number(number: str) -> TestCard | None:
    """Return the test card with this number."""
    return _BY_NUMBER.get(number)


def by_fingerprint(fingerprint: str) -> TestCard:
    """Return the test card behind a stored payment method."""
    return _BY_FINGERPRINT[fingerprint]


def by_token(token: str) -> TestCard | None:
    """Return the test card that `pm_card_...` stands for."""
    return _BY_TOKEN.get(token)


def decline_for(code: str) -> Decline:
    """Return what is said for a decline code; an unlisted one is an issuer's own reason."""
    return DECLINES.get(code) or Decline("card_declined", code, "Your card was declined.")


def passes_luhn(number: str) -> bool:
    """Return whether the check digit is right."""
    digits = [int(digit) for digit in reversed(number)]
    doubled = [digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[1::2]]  # noqa: PLR2004
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
