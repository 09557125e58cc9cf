from app.kernel import AppError, Kind, translatable


class InvalidEmailError(AppError):
    """The text is no e-mail address."""

    kind = Kind.INVALID
    code = "identity.invalid_email"
    text = translatable("Please enter an e-mail address such as name@example.com.")


class EmailTakenError(AppError):
    """The realm of this site already has an account with the address."""

    kind = Kind.CONFLICT
    code = "identity.email_taken"
    text = translatable("There is already an account with this e-mail address.")


class WeakPasswordError(AppError):
    """The password is shorter, or longer, than the policy allows."""

    kind = Kind.INVALID
    code = "identity.weak_password"
    text = translatable("Choose a password of %(minimum)s to %(maximum)s characters.")


class NumberTakenError(AppError):
    """Another customer of the reseller has this number."""

    kind = Kind.CONFLICT
    code = "identity.number_taken"
    text = translatable("This customer number is already taken.")


class CustomerNotFoundError(AppError):
    """No such customer; one of another reseller looks the same."""

    kind = Kind.NOT_FOUND
    code = "identity.customer_not_found"
    text = translatable("There is no such customer.")


class SignInRefusedError(AppError):
    """Unknown address or wrong password: outside nobody can tell which."""

    kind = Kind.UNAUTHENTICATED
    code = "identity.sign_in_refused"
    text = translatable("The e-mail address or password is wrong.")


class UnknownApiScopeError(AppError):
    """A key was to be given a scope that does not exist, or none at all."""

    kind = Kind.INVALID
    code = "identity.unknown_api_scope"
    text = translatable("There is no such API key scope.")


class ApiKeyNotFoundError(AppError):
    """No such key; one of another reseller looks the same."""

    kind = Kind.NOT_FOUND
    code = "identity.api_key_not_found"
    text = translatable("There is no such API key.")


class ApiScopeMissingError(AppError):
    """The key is valid but may not do this."""

    kind = Kind.FORBIDDEN
    code = "identity.api_scope_missing"
    text = translatable("This API key lacks the scope %(scope)s.")
