"""What a template says to its reader without asking the catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html.parser import HTMLParser
from typing import cast

from jinja2 import Environment, nodes

CATALOGUE = {"_", "gettext", "ngettext", "pgettext", "npgettext"}
# Parameters of our macros that carry words, lists of words, or attributes.
SPOKEN = {
    "text", "title", "lead", "label", "help", "error", "invalid", "suffix", "caption", "note",
    "compared_with", "href_label", "columns", "parts", "options", "attrs",
}  # fmt: skip
ATTRIBUTES = {
    "title", "alt", "placeholder", "aria-label", "aria-description", "data-busy", "data-done",
    "data-hide-label", "data-invalid",
}  # fmt: skip
SILENT_TAGS = {"script", "style", "code"}
# They fill an attribute of the layout.
SILENT_BLOCKS = {"body_class"}

Signatures = Mapping[str, Sequence[str]]


def signatures(*sources: str) -> Signatures:
    """Return the macros of these templates with the names of their parameters."""
    return {
        macro.name: [argument.name for argument in macro.args]
        for source in sources
        for macro in _parse(source).find_all(nodes.Macro)
    }


def unmarked_texts(source: str, known: Signatures) -> list[str]:
    """Return every text with letters that a reader sees and that no catalogue can translate."""
    reader = _Reader()
    reader.feed("".join(_pieces(_parse(source), {**known, **signatures(source)})))
    reader.close()
    return reader.texts


def _parse(source: str) -> nodes.Template:
    return Environment(extensions=["jinja2.ext.i18n"], autoescape=True).parse(source)


def _pieces(node: nodes.Node, known: Signatures) -> Iterator[str]:
    """Return the page as if every branch were taken and every value were empty."""
    if isinstance(node, nodes.Output):
        for each in node.nodes:
            is_html = isinstance(each, nodes.TemplateData)
            yield from [cast("nodes.TemplateData", each).data] if is_html else _said(each, known)
    elif isinstance(node, nodes.Block) and node.name in SILENT_BLOCKS:
        return
    elif isinstance(node, nodes.Assign):
        # Words that are kept for later; markup and keys are no sentences.
        yield from (f"<p>{said}</p>" for said in _said(node.node, known) if _is_sentence(said))
    else:
        if isinstance(node, nodes.CallBlock):
            yield from _said(node.call, known)
        for child in node.iter_child_nodes():
            if not isinstance(child, nodes.Expr):
                yield from _pieces(child, known)


def _said(node: nodes.Node, known: Signatures) -> Iterator[str]:
    """Return the constants that an expression may print."""
    if isinstance(node, nodes.Const) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, nodes.Call):
        yield from _said_by_macro(node, known)
    else:
        yield from _all_said(_printed_parts(node), known)


def _printed_parts(node: nodes.Node) -> Sequence[nodes.Node | None]:
    """Return the parts of an expression that may end up on the page; conditions do not."""
    parts: Sequence[nodes.Node | None] = []
    match node:
        case nodes.CondExpr(expr1=left, expr2=right):
            parts = [left, right]
        case nodes.Or(left=left, right=right) | nodes.Add(left=left, right=right):
            parts = [left, right]
        case nodes.Concat(nodes=several) | nodes.List(items=several):
            parts = several
        case nodes.Tuple(items=several):
            parts = several[:1]  # a label and what belongs to it
        case nodes.Dict(items=pairs):
            parts = [pair.value for pair in pairs]
        case nodes.Filter(name="default", node=inner, args=args):
            parts = [inner, *args]
        case nodes.Filter(node=inner) | nodes.Getitem(node=inner):
            parts = [inner]
    return parts


def _said_by_macro(call: nodes.Call, known: Signatures) -> Iterator[str]:
    name = getattr(call.node, "attr", getattr(call.node, "name", ""))
    if name in CATALOGUE:
        return
    given = dict(zip(known.get(name, []), call.args, strict=False))
    given |= {each.key: each.value for each in call.kwargs}
    for parameter, value in given.items():
        if isinstance(value, nodes.Dict):
            pairs = [(pair.key.as_const(), pair.value) for pair in value.items]
            yield from _all_said([said for key, said in pairs if key in ATTRIBUTES], known)
        elif parameter in SPOKEN:
            yield from _all_said([value], known)


def _all_said(several: Iterable[nodes.Node | None], known: Signatures) -> Iterator[str]:
    for node in several:
        if node is not None:
            yield from _said(node, known)


def _is_sentence(text: str) -> bool:
    return " " in text and "<" not in text


class _Reader(HTMLParser):
    """Collects texts with letters: between tags and in attributes that are shown or read out."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in SILENT_TAGS
        for name, value in attrs:
            if name in ATTRIBUTES:
                self._keep(value or "")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in SILENT_TAGS

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._keep(data)

    def _keep(self, text: str) -> None:
        if any(letter.isalpha() for letter in text):
            self.texts.append(" ".join(text.split()))
