"""What comes from outside: JSON without loss, and what is wrong with it."""

import json
from decimal import Decimal
from typing import NoReturn

from pydantic import ValidationError


def refused_fields(error: ValidationError) -> list[dict[str, str]]:
    """Return every refused field of something sent and why; the values are not repeated (M3)."""
    return [
        {"field": ".".join(map(str, each["loc"])) or "body", "reason": each["msg"]}
        for each in error.errors(include_input=False, include_url=False, include_context=False)
    ]


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


# Numbers stay exact; NaN and Infinity are Python's own and no JSON. What is nested too deeply
# raises RecursionError instead of ValueError.
EXACT_JSON = json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse_constant)
