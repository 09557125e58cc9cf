"""Decoding and typed reading of Stripe's form-encoded, nested parameters."""

import re
from collections.abc import Iterable, Mapping
from typing import TypeAlias, cast
from urllib.parse import urlsplit

from app.sandbox.errors import InvalidParameterError

Value: TypeAlias = "str | dict[str, Value]"

_NAME = re.compile(r"^([^\[\]]+)((?:\[[^\[\]]*\])*)$")
_STEP = re.compile(r"\[([^\[\]]*)\]")
_MOST_KEYS, _LONGEST_KEY, _LONGEST_VALUE = 50, 40, 500


def decode(pairs: Iterable[tuple[str, str]]) -> dict[str, Value]:
    """Turn `a[b][0]=x` pairs into nested dictionaries; lists keep their indexes as keys."""
    tree: dict[str, Value] = {}
    for name, value in pairs:
        match = _NAME.match(name)
        if match is None:
            raise InvalidParameterError(f"Invalid parameter name: {name}", param=name)
        _place(tree, [match[1], *_STEP.findall(match[2])], value)
    return tree


def _place(tree: dict[str, Value], path: list[str], value: str) -> None:
    for step in path[:-1]:
        child = tree.setdefault(step or str(len(tree)), {})
        if isinstance(child, str):
            raise InvalidParameterError("Invalid object", param=path[0])
        tree = child
    tree[path[-1] or str(len(tree))] = value


def is_web_address(text: str) -> bool:
    """Return whether `text` is an absolute http or https address."""
    if any(ord(letter) <= ord(" ") for letter in text):
        return False
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


class Params:
    """Parameters of one request, or of one object nested in it."""

    def __init__(self, values: Mapping[str, Value], path: str = "") -> None:
        self.values = values
        self.path = path

    def param(self, name: str) -> str:
        """Return the name as Stripe writes it in errors: `line_items[0][quantity]`."""
        return f"{self.path}[{name}]" if self.path else name

    def has(self, name: str) -> bool:
        """Return whether the parameter was sent at all, even if empty."""
        return name in self.values

    def only(self, *known: str) -> None:
        """Refuse parameters that are not `known`; `expand` always is at the top."""
        for name in self.values:
            if name not in known and not (name == "expand" and not self.path):
                raise InvalidParameterError(
                    f"Received unknown parameter: {self.param(name)}"
                    " (the sandbox does not offer all that Stripe does)",
                    code="parameter_unknown",
                    param=self.param(name),
                )

    def text(self, name: str, longest: int = 5000) -> str | None:
        """Return the text, or None where it is absent or empty."""
        value = self.values.get(name)
        if isinstance(value, dict):
            raise InvalidParameterError(f"Invalid string: {value}", param=self.param(name))
        if value is not None and len(value) > longest:
            raise InvalidParameterError(
                f"Invalid string: {value[:20]}...; must be at most {longest} characters",
                param=self.param(name),
            )
        return value or None

    def need_text(self, name: str, longest: int = 5000) -> str:
        """Return the text; refuse its absence."""
        value = self.text(name, longest)
        if value is None:
            raise self.missing(name)
        return value

    def missing(self, name: str) -> InvalidParameterError:
        """Return the refusal of an absent parameter."""
        return InvalidParameterError(
            f"Missing required param: {self.param(name)}.",
            code="parameter_missing",
            param=self.param(name),
        )

    def integer(self, name: str) -> int | None:
        """Return the whole number, or None where it is absent."""
        value = self.text(name)
        if value is None:
            return None
        if not re.fullmatch(r"-?\d{1,18}", value):
            raise InvalidParameterError(
                f"Invalid integer: {value}",
                code="parameter_invalid_integer",
                param=self.param(name),
            )
        return int(value)

    def flag(self, name: str) -> bool:
        """Return the truth value; absent means false."""
        value = self.text(name)
        if value not in {None, "true", "false"}:
            raise InvalidParameterError(f"Invalid boolean: {value}", param=self.param(name))
        return value == "true"

    def choice(self, name: str, allowed: Iterable[str]) -> str | None:
        """Return one of the `allowed` words, or None where it is absent."""
        value, words = self.text(name), list(allowed)
        if value is not None and value not in words:
            *most, last = words
            listed = f"{', '.join(most)} or {last}" if most else last
            raise InvalidParameterError(
                f"Invalid {self.param(name)}: must be one of {listed}", param=self.param(name)
            )
        return value

    def address(self, name: str) -> str | None:
        """Return the http(s) address, or None where it is absent."""
        value = self.text(name)
        if value is not None and not is_web_address(value):
            raise InvalidParameterError(
                "Not a valid URL", code="url_invalid", param=self.param(name)
            )
        return value

    def nested(self, name: str) -> "Params":
        """Return the nested object; absent and empty are the same."""
        value = self.values.get(name) or {}
        if isinstance(value, str):
            raise InvalidParameterError("Invalid object", param=self.param(name))
        return Params(value, self.param(name))

    def items(self, name: str) -> list["Params"]:
        """Return the objects of a list, in their order."""
        listed = self.nested(name)
        return [listed.nested(index) for index in listed.values]

    def texts(self, name: str) -> list[str]:
        """Return the texts of a list, in their order."""
        listed = self.nested(name)
        return [listed.need_text(index) for index in listed.values]

    def metadata(self, name: str = "metadata") -> dict[str, str]:
        """Return the metadata sent; empty values stand for keys to be removed."""
        values = self.nested(name).values
        for key, value in values.items():
            if isinstance(value, dict):
                raise InvalidParameterError("Metadata values must be strings", param=name)
            if len(key) > _LONGEST_KEY or len(value) > _LONGEST_VALUE or len(values) > _MOST_KEYS:
                raise InvalidParameterError(
                    f"Metadata can have up to {_MOST_KEYS} keys of up to {_LONGEST_KEY} characters"
                    f" with values of up to {_LONGEST_VALUE} characters",
                    param=f"{self.param(name)}[{key}]",
                )
        return cast("dict[str, str]", dict(values))


def merged_metadata(old: Mapping[str, str], params: Params) -> dict[str, str]:
    """Return `old` with what `params` sets and without what it empties."""
    if params.values.get("metadata") == "":
        return {}
    both = {**old, **params.metadata()}
    return {key: value for key, value in both.items() if value}
