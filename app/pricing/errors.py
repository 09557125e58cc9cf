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
