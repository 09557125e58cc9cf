from app.kernel import AppError, Kind, translatable


class InvalidHostError(AppError):
    """The text is no host name (guide rules R2, R4)."""

    kind = Kind.INVALID
    code = "tenancy.invalid_host"
    text = translatable("This is not a valid host name.")


class SlugRefusedError(AppError):
    """The slug is malformed or reserved."""

    kind = Kind.INVALID
    code = "tenancy.slug_refused"
    text = translatable(
        "Choose 3 to 40 lower-case letters, digits or hyphens; some names are reserved."
    )


class SlugTakenError(AppError):
    """Another reseller has this slug."""

    kind = Kind.CONFLICT
    code = "tenancy.slug_taken"
    text = translatable("This name is already taken. Choose another one.")


class HostTakenError(AppError):
    """The host already belongs to a tenant."""

    kind = Kind.CONFLICT
    code = "tenancy.host_taken"
    text = translatable("This domain is already in use.")


class TenantNotFoundError(AppError):
    """No such reseller."""

    kind = Kind.NOT_FOUND
    code = "tenancy.not_found"
    text = translatable("There is no such reseller.")
