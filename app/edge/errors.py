from app.kernel import AppError, Kind, translatable


class SignInNeededError(AppError):
    """Nobody is signed in, or not in the realm this belongs to."""

    kind = Kind.UNAUTHENTICATED
    code = "edge.sign_in_needed"
    text = translatable("Please sign in first.")


class ForeignOriginError(AppError):
    """A form was sent from another site, or without the token of this one (rule R13)."""

    kind = Kind.INVALID
    code = "edge.foreign_origin"
    text = translatable("This form was open for too long or came from another site.")


class ActingForbiddenError(AppError):
    """Somebody who acts for a customer asked for what is the customer's own to see or to do."""

    kind = Kind.FORBIDDEN
    code = "edge.acting_forbidden"
    text = translatable("Only the customer may do this. End acting on behalf first.")


class SiteClosedError(AppError):
    """The reseller is suspended or was refused: nothing is taken at its site."""

    kind = Kind.UNAVAILABLE
    code = "edge.site_closed"
    text = translatable("This site is closed at the moment. Nothing was changed.")
