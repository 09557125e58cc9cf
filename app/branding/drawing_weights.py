"""How much a browser would have to draw for an SVG: one element may be drawn many times over.

A copy of copies of copies (`use`, patterns, masks, markers) makes millions out of a few lines, and
keeps a phone busy for minutes.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError, fromstring

MOST_ELEMENTS = 5_000
MOST_DRAWN = 20_000
_DEEPEST = 100
_NAMED = re.compile(r"url\(\s*['\"]?#([^)'\"]+)")
_RULE = re.compile(r"([^{}]*)\{([^{}]*)")
_OF_CLASS = re.compile(r"[\w-]*\.([\w-]+)")
_EVERYTHING = ""


def is_modest_drawing(svg: bytes) -> bool:
    """Return whether a sanitised SVG is drawn at once: few elements, none far inside another.

    Refuses a drawing that refers to itself, too. A rule of its style sheet counts for every
    element of its class; one whose selector is more than a class, for all elements.
    """
    try:
        root = fromstring(svg)  # noqa: S314 - the sanitiser let no declaration of entities through
    except ParseError:
        return False
    return sum(1 for _ in root.iter()) <= MOST_ELEMENTS and _Drawing(root).weigh() <= MOST_DRAWN


class _Drawing:
    def __init__(self, root: Element) -> None:
        self._root = root
        self._named = {each.get("id"): each for each in root.iter() if each.get("id")}
        sheets = "".join(each.text or "" for each in root.iter() if each.tag.endswith("}style"))
        self._by_class: dict[str, set[str]] = defaultdict(set)
        for selectors, body in _RULE.findall(sheets):
            for selector in selectors.split(","):
                only = _OF_CLASS.fullmatch(selector.strip())
                self._by_class[only[1] if only else _EVERYTHING].update(_NAMED.findall(body))
        self._known: dict[Element, int] = {}

    def weigh(self) -> int:
        return self._weight(self._root, ())

    def _weight(self, element: Element, inside: tuple[Element, ...]) -> int:
        """Return how many elements are drawn for one; too many for a circle."""
        if element in self._known:
            return self._known[element]
        if element in inside or len(inside) > _DEEPEST:
            return MOST_DRAWN + 1
        around = (*inside, element)
        total = 1
        for each in (*element, *self._references(element)):
            total += self._weight(each, around)
            if total > MOST_DRAWN:
                break
        self._known[element] = total
        return total

    def _references(self, element: Element) -> Iterator[Element]:
        names = [name for value in element.attrib.values() for name in _NAMED.findall(value)]
        names += (value[1:] for key, value in element.attrib.items() if key.endswith("href"))
        for each in (_EVERYTHING, *element.get("class", "").split()):
            names += self._by_class.get(each, ())
        yield from (self._named[name] for name in names if name in self._named)
