from app.kernel import AppError, Kind, translatable


class SignUpClosedError(AppError):
    """The operator has named no plan that a new reseller sells."""

    kind = Kind.NOT_FOUND
    code = "onboarding.closed"
    text = translatable("Nobody can sign up here at the moment.")


class SignUpNotFoundError(AppError):
    """No such sign-up, or its link is too old."""

    kind = Kind.NOT_FOUND
    code = "onboarding.not_found"
    text = translatable("This link is no longer valid. Please sign up again.")


class CompanyRefusedError(AppError):
    """The company's name is empty, too long or not printable."""

    kind = Kind.INVALID
    code = "onboarding.company_refused"
    text = translatable("Please enter the name of your company, in at most 200 characters.")


class CountryRefusedError(AppError):
    """The country is none of those on the list."""

    kind = Kind.INVALID
    code = "onboarding.country_refused"
    text = translatable("Please choose a country from the list.")


class AcceptanceMissingError(AppError):
    """The terms, or the agreement on data processing, were not accepted."""

    kind = Kind.INVALID
    code = "onboarding.acceptance_missing"
    text = translatable("Please accept this to go on.")


class NoteMissingError(AppError):
    """A refusal, a suspension or a question came without words, or with too many."""

    kind = Kind.INVALID
    code = "onboarding.note_missing"
    text = translatable("Please write what this is about, in at most 1,000 characters.")
