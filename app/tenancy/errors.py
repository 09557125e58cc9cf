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


class NameOffensiveError(AppError):
    """The slug holds a word that insults, in one of our languages, however it is spelled."""

    kind = Kind.INVALID
    code = "tenancy.name_offensive"
    text = translatable("This name cannot be used. Choose another one.")


class LookalikeError(AppError):
    """The slug reads like that of another reseller, or like a reserved one (rule R3)."""

    kind = Kind.CONFLICT
    code = "tenancy.lookalike"
    text = translatable("This name looks too much like another one. Choose another one.")


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


class StateMoveRefusedError(AppError):
    """The reseller is in a state that this does not follow from."""

    kind = Kind.CONFLICT
    code = "tenancy.state_move_refused"
    text = translatable("This is not possible in the present state of the reseller.")


class TrialCustomersError(AppError):
    """A reseller on trial has as many customers as a trial may have."""

    kind = Kind.CONFLICT
    code = "tenancy.trial_customers"
    # A visitor who registers may read this, too: it says nothing of a trial.
    text = translatable("No more than %(limit)s customers can be added at the moment.")


class TrialNeedsApprovalError(AppError):
    """A reseller on trial asked for what only an approved one may do."""

    kind = Kind.FORBIDDEN
    code = "tenancy.trial_needs_approval"
    text = translatable("This is possible once your site has been approved.")
