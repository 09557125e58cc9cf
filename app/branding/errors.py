from app.kernel import AppError, Kind, translatable


class BrandRefusedError(AppError):
    """A value of a brand is not on offer; `field` says which."""

    kind = Kind.INVALID
    code = "branding.refused"
    text = translatable("This value cannot be used for the brand: %(field)s.")
