from app.kernel import AppError, Kind, translatable


class GatewayError(AppError):
    """The processor did not answer or refused; `facts`: retryable."""

    kind = Kind.UNAVAILABLE
    code = "payments.gateway_unavailable"
    text = translatable(
        "The payment service is not responding. Nothing was charged. Try again in a minute."
    )


class BadSignatureError(AppError):
    """A delivery without a valid, fresh signature (R4.1, R4.2)."""

    kind = Kind.UNAUTHENTICATED
    code = "payments.bad_signature"
    text = translatable("The signature of this delivery is missing, wrong or too old.")


class WebhookDisabledError(AppError):
    """No signing secret is set: the endpoint must not verify against an empty one (R4.1)."""

    kind = Kind.UNAVAILABLE
    code = "payments.webhook_disabled"
    text = translatable("This endpoint is switched off: no signing secret is set.")
