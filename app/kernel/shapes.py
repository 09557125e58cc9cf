from pydantic import ValidationError


def refused_fields(error: ValidationError) -> list[dict[str, str]]:
    """Return every refused field of something sent and why; the values are not repeated (M3)."""
    return [
        {"field": ".".join(map(str, each["loc"])) or "body", "reason": each["msg"]}
        for each in error.errors(include_input=False, include_url=False, include_context=False)
    ]
