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
