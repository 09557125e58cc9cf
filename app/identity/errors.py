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


class CustomerUserNotFoundError(AppError):
    """The customer has no such user; one of another customer looks the same."""

    kind = Kind.NOT_FOUND
    code = "identity.user_not_found"
    text = translatable("There is no such user.")


class OwnerNeededError(AppError):
    """Only an owner of the company, or of the reseller, may do this."""

    kind = Kind.FORBIDDEN
    code = "identity.owner_needed"
    text = translatable("Only an owner may do this. Ask an owner of your company.")


class LastOwnerError(AppError):
    """The company would be left without an owner, perhaps without any user."""

    kind = Kind.CONFLICT
    code = "identity.last_owner"
    text = translatable("There must be at least one owner. Make somebody else an owner first.")


class NameRefusedError(AppError):
    """The name is empty, too long or not printable."""

    kind = Kind.INVALID
    code = "identity.name_refused"
    text = translatable("Please enter a name of at most 200 characters.")


class SubjectRefusedError(AppError):
    """The text is no subject: too short, too long, with spaces or unprintable characters."""

    kind = Kind.INVALID
    code = "identity.subject_refused"
    text = translatable("A line or agent is called by 2 to 120 characters without spaces.")


class SubjectTakenError(AppError):
    """The subject is another reseller's at that time or later; whose is not told."""

    kind = Kind.CONFLICT
    code = "identity.subject_taken"
    text = translatable(
        "This line or agent is in use elsewhere. Choose a date after it was released there."
    )


class SubjectDateTakenError(AppError):
    """An assignment of the subject already begins at this date; what holds is never changed."""

    kind = Kind.CONFLICT
    code = "identity.subject_date_taken"
    text = translatable("Something already begins at this date. Choose a later one.")


class SubjectHistoryFixedError(AppError):
    """The subject was a customer's at that past time: usage may have been charged by it."""

    kind = Kind.CONFLICT
    code = "identity.subject_history_fixed"
    text = translatable(
        "This line or agent already belonged to a customer then. Choose a date from now on."
    )


class SubjectNotAssignedError(AppError):
    """A subject was to be released that is nobody's at that time."""

    kind = Kind.CONFLICT
    code = "identity.subject_not_assigned"
    text = translatable("This line or agent belongs to nobody at this date.")


class LinkRefusedError(AppError):
    """A mailed link may not be used; what follows says why."""

    kind = Kind.CONFLICT
    code = "identity.link_refused"
    text = translatable("This link cannot be used.")


class LinkUnknownError(LinkRefusedError):
    """No such link: mistyped, of another site, or deleted long ago."""

    kind = Kind.NOT_FOUND
    code = "identity.link_unknown"
    text = translatable("This link is incomplete or belongs to another site.")


class LinkUsedError(LinkRefusedError):
    """A link works once, and somebody has used it."""

    code = "identity.link_used"
    text = translatable("This link has been used already.")


class LinkSupersededError(LinkRefusedError):
    """A newer link was sent, or what it was for is gone."""

    code = "identity.link_superseded"
    text = translatable("This link is no longer valid. Use the newest one you were sent.")


class LinkExpiredError(LinkRefusedError):
    """The link's time is over."""

    code = "identity.link_expired"
    text = translatable("This link has expired. Ask for a new one.")


class AlreadyJoinedError(AppError):
    """Somebody was to be invited again who can sign in already."""

    kind = Kind.CONFLICT
    code = "identity.already_joined"
    text = translatable("This person can sign in already and needs no invitation.")


class TooManyInvitationsError(AppError):
    """People of a customer had as many invitations sent within a day as they may."""

    kind = Kind.CONFLICT
    code = "identity.too_many_invitations"
    text = translatable("There were %(most)s invitations within a day. Send the next one tomorrow.")


class RegistrationClosedError(AppError):
    """The reseller takes customers by invitation only."""

    kind = Kind.FORBIDDEN
    code = "identity.registration_closed"
    text = translatable("Accounts are made by invitation here. Please ask for one.")


class OtherRegistrationError(AppError):
    """Somebody with the link of a registration did not know the password it was made with."""

    kind = Kind.INVALID
    code = "identity.other_registration"
    text = translatable(
        "This account was registered with another password. Type that one, or register again."
    )


class StaffRightMissingError(AppError):
    """The role of a member of the staff does not include this."""

    kind = Kind.FORBIDDEN
    code = "identity.staff_right_missing"
    text = translatable("Your role does not include this. Ask an owner of your team.")


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
