"""A letter in the clothes of a brand: HTML that mail programs understand, and plain text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from app.branding import colour_roles, logo_file
from app.identity import Realm
from app.notifications.kinds import Facts, MessageKind, Recipient, is_optional
from app.notifications.letters import Occasion, write_letter
from app.notifications.ports import Words
from app.notifications.senders import Sender

_PREFERENCES = {Realm.CUSTOMER: "/portal/settings/notifications", Realm.STAFF: "/notifications"}
# Mail programs show no SVG, and not all of them WebP: beside an uploaded one lies a PNG.
_NOT_IN_MAIL, _WEB, _MAIL = ".svg", "/logo.webp", "/logo.png"

# What mail programs make a link of: https://, www., name.example; J. R. Meyer is none.
_LEADS_AWAY = re.compile(r"//|[@\\]|\w\.\w{2}")

_environment = ImmutableSandboxedEnvironment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=lambda name: name is None or name.endswith(".html"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message as a person reads it."""

    subject: str
    html: str
    text: str


def render_message(
    *,
    kind: MessageKind,
    to: Recipient,
    facts: Facts,
    sender: Sender,
    words: Words,
    link: str = "",
    origin: str = "",
) -> Rendered:
    """Return a message in a brand and a language; every address in it is the tenant's own.

    `link` is the token of a mailed link, `origin` the site of the tenant that the facts name.
    """
    letter = write_letter(
        Occasion(
            kind, to.realm, facts, words, sender.look.name, partial(sender.place, to.realm), link,
            origin,
        )
    )  # fmt: skip
    shown = {
        "letter": letter,
        "brand": sender.look,
        "language": words.language,
        "logo": _logo(sender),
        "salutation": _salutation(to, words),
        "greeting": sender.look.greeting,
        "footer": _footer(kind, to, sender, words),
        "colours": _colours(sender),
    }
    return Rendered(
        # A line break in a subject would begin another header.
        subject=" ".join(letter.subject.splitlines()),
        html=_fill("letter.html", shown),
        text=_fill("letter.txt", shown),
    )


@dataclass(frozen=True, slots=True)
class _Footer:
    reason: str
    help: str
    links: tuple[tuple[str, str], ...]


def _footer(kind: MessageKind, to: Recipient, sender: Sender, words: Words) -> _Footer:
    _, look = words.gettext, sender.look
    contact = ", ".join(each for each in (look.support_email, look.support_phone) if each)
    links = [
        (_("Imprint"), sender.legal_link("imprint")),
        (_("Privacy"), sender.legal_link("privacy")),
        (_("Terms"), sender.legal_link("terms")),
    ]
    if is_optional(kind, to.realm):
        address = sender.place(to.realm, _PREFERENCES[to.realm])
        links.append((_("Choose which e-mails you get"), address))
    return _Footer(
        reason=_("You get this e-mail because of your account with %(brand)s.", brand=look.name),
        help=_("Questions? %(contact)s", contact=contact) if contact else "",
        links=tuple((label, address) for label, address in links if address),
    )


def _salutation(to: Recipient, words: Words) -> str:
    name = " ".join(to.name.split())
    # Anybody may register with a stranger's address: a name must not carry an address to follow.
    if name and not _LEADS_AWAY.search(name):
        return words.gettext("Hello %(name)s,", name=name)
    return words.gettext("Hello,")


def _logo(sender: Sender) -> str:
    """Return the logo as mail programs can read it: no SVG, and no WebP where there is a PNG."""
    url = logo_file(sender.look, "logo.png") or sender.look.logo_url
    return "" if url.lower().endswith(_NOT_IN_MAIL) else sender.absolute(url)


def _colours(sender: Sender) -> dict[str, dict[str, str]]:
    """Return the roles that the letter is drawn in and, for `dark`, those at night."""
    tokens = sender.look.tokens
    day = colour_roles(tokens, "dark" if tokens.mode == "dark" else "light")
    night = colour_roles(tokens, "light" if tokens.mode == "light" else "dark")
    return {
        "day": {name.replace("-", "_"): value for name, value in day.items()},
        "night": {name.replace("-", "_"): value for name, value in night.items()},
    }


def _fill(template: str, shown: dict[str, Any]) -> str:
    return _environment.get_template(template).render(shown)
