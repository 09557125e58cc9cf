from app.kernel import AppError, Kind, translatable


class RateRefusedError(AppError):
    """A rate outside 0 to 1, finer than six places, above the parent's, or below a child's."""

    kind = Kind.INVALID
    code = "commissions.rate_refused"
    text = translatable(
        "The rate must be between what your resellers get and what you get yourself."
    )


class NoAgreementError(AppError):
    """The chain has no commission agreement at this time."""

    kind = Kind.INVALID
    code = "commissions.no_agreement"
    text = translatable("There is no commission agreement for this reseller yet.")


class TermsFixedError(AppError):
    """Terms from this date on, or from a later one, are fixed: charges may have used them."""

    kind = Kind.CONFLICT
    code = "commissions.terms_fixed"
    text = translatable(
        "Commission from %(valid_from)s onwards has already been agreed. Choose a later date."
    )


class StepsRefusedError(AppError):
    """Steps whose volumes do not rise, or whose rates fall with the volume."""

    kind = Kind.INVALID
    code = "commissions.steps_refused"
    text = translatable(
        "Each step must begin at a higher volume than the one before and pay no lower rate."
    )


class MonthClosedError(AppError):
    """The date lies in a month whose statements are closed."""

    kind = Kind.CONFLICT
    code = "commissions.month_closed"
    text = translatable("The month %(month)s is closed. Choose a later date.")


class MonthNotOverError(AppError):
    """The month is not over yet, or only just, so that late bookings of it may be on their way."""

    kind = Kind.CONFLICT
    code = "commissions.month_not_over"
    text = translatable("The month %(month)s can be closed two hours after its end.")


class EarlierMonthOpenError(AppError):
    """An earlier month in which something was booked is still open."""

    kind = Kind.CONFLICT
    code = "commissions.earlier_month_open"
    text = translatable("The month %(month)s is still open. Close it first.")


class BonusTermsRefusedError(AppError):
    """Negative, retention without months, high usage without a threshold, or a date twice."""

    kind = Kind.INVALID
    code = "commissions.bonus_terms_refused"
    text = translatable(
        "A bonus needs an amount and a new date; retention needs months, high usage a threshold."
    )
