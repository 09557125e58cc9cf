from typing import NoReturn

from pydantic import ValidationError

from app.kernel import AppError, Kind, refused_fields, translatable


class BodyRefusedError(AppError):
    """The body does not have the documented shape. `facts`: errors, a field and a reason each."""

    kind = Kind.INVALID
    code = "api.body_refused"
    text = translatable("Some fields are missing or malformed; “errors” names each of them.")


def refuse_body(error: ValidationError) -> NoReturn:
    """Name every refused field and why; the values themselves are not repeated."""
    raise BodyRefusedError(errors=refused_fields(error))
