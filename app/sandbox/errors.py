"""What the API refuses, in Stripe's words.

`is_saved` follows Stripe's rule for idempotency keys: a result is kept once an endpoint began to
execute; parameters that fail validation, conflicts and rate limits leave the key free.
`keeps_changes` marks refusals that leave traces, such as a declined charge.
"""

from app.sandbox.json_types import Json

_DOCS = "https://stripe.com/docs/error-codes/"


class ApiError(Exception):
    """A refusal that has a status and a body of its own."""

    status = 400
    type = "invalid_request_error"
    is_saved = True
    keeps_changes = False

    def __init__(self, message: str, *, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.param = param

    def details(self) -> Json:
        """Return what stands in the body besides type, code, message and param."""
        return {}

    def body(self) -> Json:
        """Return the error as Stripe would write it."""
        error: Json = {}
        if self.code is not None:
            error["code"] = self.code
            error["doc_url"] = _DOCS + self.code.replace("_", "-")
        error["message"] = self.message
        if self.param is not None:
            error["param"] = self.param
        return {"error": {**error, **self.details(), "type": self.type}}


class InvalidRequestError(ApiError):
    """The request was understood and is not possible in the present state."""


class InvalidParameterError(ApiError):
    """A parameter failed validation before anything was executed."""

    is_saved = False


class ResourceMissingError(ApiError):
    """The object named in the path does not exist."""

    status = 404


class UnknownRouteError(ApiError):
    """No such method and path."""

    status = 404
    is_saved = False


class AuthenticationError(ApiError):
    """The API key is missing or not a test key."""

    status = 401
    is_saved = False


class KeyReusedError(ApiError):
    """An idempotency key came back with other parameters."""

    type = "idempotency_error"
    is_saved = False


class KeyInUseError(ApiError):
    """A request with the same idempotency key is still running."""

    status = 409
    type = "idempotency_error"
    is_saved = False


class RateLimitError(ApiError):
    """Too many requests (only ever scripted)."""

    status = 429
    is_saved = False


class ServerError(ApiError):
    """Stripe's own fault (only ever scripted)."""

    status = 500
    type = "api_error"


class UnavailableError(ApiError):
    """The whole sandbox was switched off."""

    status = 503
    type = "api_error"
    is_saved = False


class CardError(ApiError):
    """A card was declined; the failed attempt stays on record."""

    status = 402
    type = "card_error"
    keeps_changes = True

    def __init__(self, message: str, *, code: str, decline_code: str | None, charge: str) -> None:
        super().__init__(message, code=code)
        self.decline_code = decline_code
        self.charge = charge
        self.payment_intent: Json = {}

    def details(self) -> Json:
        """Add the decline code, the failed charge and the intent it belongs to."""
        details: Json = {"charge": self.charge, "payment_intent": self.payment_intent}
        if self.decline_code is not None:
            details["decline_code"] = self.decline_code
        return details
