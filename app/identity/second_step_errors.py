from app.kernel import AppError, Kind, translatable


class WrongPasswordError(AppError):
    """A signed-in person was asked for her password and typed another one."""

    kind = Kind.INVALID
    code = "identity.wrong_password"
    text = translatable("This is not your password.")


class WrongCodeError(AppError):
    """The code is no right one of this moment, or was used before."""

    kind = Kind.INVALID
    code = "identity.wrong_code"
    text = translatable("This code is wrong or was used already. Type the one your app shows next.")


class CodesLockedError(AppError):
    """Too many wrong codes in a row: codes are refused for a while, recovery codes are not."""

    kind = Kind.TOO_MANY
    code = "identity.codes_locked"
    text = translatable(
        "There were too many wrong codes. Wait a quarter of an hour, or use a recovery code."
    )


class ChallengeOverError(AppError):
    """The time or the tries for the second step are over, or there was no first step."""

    kind = Kind.UNAUTHENTICATED
    code = "identity.challenge_over"
    text = translatable("This sign-in took too long or too many tries. Start again.")


class SecondFactorOnError(AppError):
    """A second factor was to be set up that is on already."""

    kind = Kind.CONFLICT
    code = "identity.second_factor_on"
    text = translatable("The second factor is on already. Turn it off first to set up another one.")


class SecondFactorOffError(AppError):
    """Something was to be done with a second factor that is not on, or not begun."""

    kind = Kind.CONFLICT
    code = "identity.second_factor_off"
    text = translatable("The second factor is off. Set it up first.")


class SecondFactorDemandedError(AppError):
    """The second factor was to be turned off where the policy demands one."""

    kind = Kind.CONFLICT
    code = "identity.second_factor_demanded"
    text = translatable("Everybody here needs a second factor, so it cannot be turned off.")


class SessionNotFoundError(AppError):
    """The person has no such session, or it has ended; another's looks the same."""

    kind = Kind.NOT_FOUND
    code = "identity.session_not_found"
    text = translatable("This session has ended already.")


class ActingRefusedError(AppError):
    """Somebody without the right wanted to act for a customer."""

    kind = Kind.FORBIDDEN
    code = "identity.acting_refused"
    text = translatable("Only owners and support may act for a customer.")


class ReasonMissingError(AppError):
    """A visit on behalf was to begin without a reason, or with one that is too long."""

    kind = Kind.INVALID
    code = "identity.reason_missing"
    text = translatable("Say why, in at most 200 characters. The customer reads it.")


class VisitNotFoundError(AppError):
    """The customer has no such visit; one of another customer looks the same."""

    kind = Kind.NOT_FOUND
    code = "identity.visit_not_found"
    text = translatable("There is no such visit.")
