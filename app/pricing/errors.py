from app.kernel import AppError, Kind, translatable


class NoPriceError(AppError):
    """Nobody set a price for this meter at this time: unknown meter, or nothing is sold yet."""

    kind = Kind.INVALID
    code = "pricing.no_price"
    text = translatable("There is no price for the meter “%(meter)s”. Check its name.")


class BadPriceError(AppError):
    """A negative price, more than six places, or beyond all reason."""

    kind = Kind.INVALID
    code = "pricing.bad_price"
    text = translatable(
        "A unit price must be between 0 and 1,000,000, with at most six decimal places."
    )


class BadTaxRateError(AppError):
    """A tax rate below 0, of 1 or more, or with more than four places."""

    kind = Kind.INVALID
    code = "pricing.bad_tax_rate"
    text = translatable("A tax rate is at least 0 and below 1, with at most four decimal places.")


class NothingSoldError(AppError):
    """The reseller sells no offer at this time."""

    kind = Kind.CONFLICT
    code = "pricing.nothing_sold"
    text = translatable("Nothing is sold here yet.")


class BadQuantityError(AppError):
    """A quantity of zero, below zero, with more than six places or beyond all reason."""

    kind = Kind.INVALID
    code = "pricing.bad_quantity"
    text = translatable("The quantity must be more than zero, with at most six decimal places.")


class BadNameError(AppError):
    """A meter, its unit or an offer that is not called as it should be."""

    kind = Kind.INVALID
    code = "pricing.bad_name"
    text = translatable(
        "A short name has 1 to 40 small letters, digits, hyphens or underscores and begins with"
        " a letter."
    )


class OfferTakenError(AppError):
    """Another offer has this slug."""

    kind = Kind.CONFLICT
    code = "pricing.offer_taken"
    text = translatable("There is already a plan with this name. Choose another one.")


class UnknownOfferError(AppError):
    """No such offer."""

    kind = Kind.NOT_FOUND
    code = "pricing.unknown_offer"
    text = translatable("There is no such offer.")


class DateTakenError(AppError):
    """A price or offer already begins at this date; what holds is never changed."""

    kind = Kind.CONFLICT
    code = "pricing.date_taken"
    text = translatable("Something already begins at this date. Choose a later one.")


class BadPartsError(AppError):
    """A unit of no parts, or of a thousand or more."""

    kind = Kind.INVALID
    code = "pricing.bad_parts"
    text = translatable("A unit has between 1 and 999 parts, such as 60 seconds in a minute.")


class PartsFixedError(AppError):
    """Prices with increments count in the parts that the meter has."""

    kind = Kind.CONFLICT
    code = "pricing.parts_fixed"
    text = translatable("Prices already count in the parts of this unit. Add another meter.")


class UnknownMeterError(AppError):
    """No such meter."""

    kind = Kind.NOT_FOUND
    code = "pricing.unknown_meter"
    text = translatable("There is no such meter. Add it first.")


class BadIncrementError(AppError):
    """An increment that is not two whole numbers from 1 to a million."""

    kind = Kind.INVALID
    code = "pricing.bad_increment"
    text = translatable("An increment is two whole numbers between 1 and 1,000,000, such as 60/1.")


class BadMinimumError(AppError):
    """A minimum charge that is negative, beyond all reason or finer than six places."""

    kind = Kind.INVALID
    code = "pricing.bad_minimum"
    text = translatable(
        "A minimum charge must be between 0 and 1,000,000, with at most six decimal places."
    )


class BadAllowanceError(AppError):
    """A free allowance that is negative, beyond all reason or finer than six places."""

    kind = Kind.INVALID
    code = "pricing.bad_allowance"
    text = translatable(
        "A free allowance must be between 0 and 1,000,000,000 units,"
        " with at most six decimal places."
    )


class BadStepsError(AppError):
    """Steps that do not rise from above 0, are more than twenty, or stand without a price."""

    kind = Kind.INVALID
    code = "pricing.bad_steps"
    text = translatable(
        "Steps begin above 0 and rise; there are at most 20 of them,"
        " with at most six decimal places."
    )


class BelowFloorError(AppError):
    """A price or a step below the least that may be asked for the meter."""

    kind = Kind.INVALID
    code = "pricing.below_floor"
    text = translatable("The price of a unit must be at least %(floor)s.")


class PastDateError(AppError):
    """An own price that would begin in the past: charges may have been rated by the old one."""

    kind = Kind.INVALID
    code = "pricing.past_date"
    text = translatable("A price can only change from now on. Choose a later date.")


class BadFeeError(AppError):
    """A fee without a proper slug, a name, a reasonable amount or a known period."""

    kind = Kind.INVALID
    code = "pricing.bad_fee"
    text = translatable(
        "A fee needs a short name of small letters, a title, an amount of at least 0"
        " and a period of 1, 3 or 12 months."
    )


class UnknownFeeError(AppError):
    """The offer that is sold has no such fee at this time."""

    kind = Kind.NOT_FOUND
    code = "pricing.unknown_fee"
    text = translatable("There is no such fee.")


class BadBonusError(AppError):
    """Bonus steps that do not rise, are negative or in another currency, or expire at once."""

    kind = Kind.INVALID
    code = "pricing.bad_bonus"
    text = translatable(
        "Bonus steps rise, in the currency of the offer; a bonus is at least 0"
        " and expires after 1 to 3,650 days or never."
    )
