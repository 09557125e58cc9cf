"""A reseller's own legal texts: plain text with headings, lists and links, nothing else.

    # A heading          ## A smaller one
    - a point of a list
    [words](https://example.org/page)  and bare https:// and mail addresses become links

The result is a tree of words; whoever shows it escapes every word of it.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

_HEADING = re.compile(r"(#{1,2})\s+(\S.*)")
_POINT = re.compile(r"[-*\N{BULLET}]\s+(\S.*)")
_ADDRESS = r"(?:https://|mailto:)[^\s()<>\"'\\]+|/(?![/\\])[^\s()<>\"'\\]*"
_LINK = re.compile(
    rf"\[(?P<words>[^\[\]\n]+)\]\((?P<href>{_ADDRESS})\)"
    r"|(?P<bare>https://[^\s()<>\"'\\]+[^\s()<>\"'\\.,;:!?])"
    r"|(?P<mail>(?<![^\s(<:,;])[\w.+-]+@[\w-]+(?:\.[\w-]+)+)"
)


class BlockKind(Enum):
    """What a block of a text is."""

    HEADING = "heading"
    SMALL_HEADING = "small_heading"
    PARAGRAPH = "paragraph"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class Words:
    """A piece of a line; a link where `href` is set, to https, mail or a page of this site."""

    text: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """A heading, a paragraph or a list: lines of words."""

    kind: BlockKind
    lines: tuple[tuple[Words, ...], ...]


def read_text(text: str) -> tuple[Block, ...]:
    """Return the blocks of a text; every text has some reading, and each word is kept once."""
    return tuple(_blocks(text))


def clean_text(raw: str) -> str:
    """Return what was typed or pasted with plain line breaks and spaces, without hidden marks."""
    lines = raw.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join("".join(map(_plain, line)).rstrip() for line in lines).strip("\n")


def _plain(letter: str) -> str:
    if letter == "\t" or unicodedata.category(letter) in {"Zs", "Zl", "Zp"}:
        return " "
    return letter if letter.isprintable() else ""


def _blocks(text: str) -> Iterator[Block]:
    kind, lines = BlockKind.PARAGRAPH, list[tuple[Words, ...]]()
    for line in text.split("\n"):
        heading, point = _HEADING.fullmatch(line.strip()), _POINT.fullmatch(line.strip())
        wanted = BlockKind.LIST if point else BlockKind.PARAGRAPH
        if lines and (heading or not line.strip() or wanted is not kind):
            yield Block(kind, tuple(lines))
            lines = []
        if heading:
            size = BlockKind.HEADING if len(heading[1]) == 1 else BlockKind.SMALL_HEADING
            yield Block(size, (tuple(_words(heading[2])),))
        elif line.strip():
            kind = wanted
            lines.append(tuple(_words(point[1] if point else line.strip())))
    if lines:
        yield Block(kind, tuple(lines))


def _words(line: str) -> Iterator[Words]:
    at = 0
    for found in _LINK.finditer(line):
        if found.start() > at:
            yield Words(line[at : found.start()])
        if found["words"]:
            yield Words(found["words"], found["href"])
        elif found["bare"]:
            yield Words(found["bare"], found["bare"])
        else:
            yield Words(found["mail"], f"mailto:{found['mail']}")
        at = found.end()
    if at < len(line):
        yield Words(line[at:])
