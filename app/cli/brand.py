"""The brand of a reseller at the command line: look at it, change the draft, publish."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from app import audit, branding
from app.branding import (
    FONTS,
    LEGAL_PAGES,
    BrandLook,
    Language,
    PictureKind,
    clean_text,
    contrast_notes,
    look_of,
    make_pictures,
    values_of,
)
from app.cli.connection import command_settings, with_database
from app.cli.examples import examples
from app.cli.reseller import scope_of
from app.edge import tell_brand_changed
from app.kernel import now, transaction
from app.tenancy import TenantScope

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_LINES = {
    "name": "What the brand is called.",
    "theme": "One of the installed themes.",
    "accent": "Colour of buttons and links, such as #0f6e84.",
    "surface": "Tint of the background, such as #f1f7f8.",
    "greeting": "Shown at the sign-in and above the balance.",
    "support_email": "Where questions go.",
    "support_phone": "Where questions go.",
    "sender_name": "Sender of e-mails; empty: the name.",
    "reply_to": "Where answers to e-mails go.",
    "statement_suffix": "Up to 10 letters and digits on the card statement.",
    **{f"{page}_url": "Address of this legal page." for page in LEGAL_PAGES},
}
_CHOICES = {
    "language": [each.value for each in Language],
    "font": list(FONTS),
    "radius": ["none", "small", "large"],
    "density": ["comfortable", "compact"],
    "mode": ["auto", "light", "dark"],
}
_LONGEST_SHOWN = 70


@click.group()
def brand() -> None:
    """Look after the brands of resellers: draft, publish, history."""


def _values(command: Any) -> Any:  # noqa: ANN401 - a decorator of click's
    """Give a command an option for everything a brand is made of."""
    for name, help_ in reversed(_LINES.items()):
        command = click.option(_option(name), name, help=help_)(command)
    for name, offered in reversed(_CHOICES.items()):
        command = click.option(_option(name), name, type=click.Choice(offered))(command)
    for page in reversed(LEGAL_PAGES):
        name = f"{page}_text"
        help_ = "A file with the reseller's own text, shown on her site."
        command = click.option(_option(name), name, type=_FILE, help=help_)(command)
    for kind in reversed(PictureKind):
        help_ = "A picture: PNG, WebP or SVG."
        command = click.option(_option(kind.value), kind.value, type=_FILE, help=help_)(command)
    return command


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


@brand.command(epilog=examples("kontor brand show nordlicht", "kontor brand show hafen --draft"))
@click.argument("slug")
@click.option("--draft", "of_draft", is_flag=True, help="What is not published yet.")
@with_database
def show(slug: str, *, of_draft: bool) -> None:
    """Show a reseller's brand, and which colours are replaced so that they can be read."""
    scope = scope_of(slug)
    with transaction(scope) as session:
        published = branding.find_brand(session, scope)
        draft = branding.find_draft(session, scope)
    look = (draft.look if draft else None) if of_draft else published
    if look is None:
        click.echo("There is no draft." if of_draft else "Nothing is published yet.")
        return
    table = Table("Value", "", box=SIMPLE_HEAD)
    for name, value in values_of(look).items():
        shown = " ".join(str(value or "").split())
        cut = f"{shown[:_LONGEST_SHOWN]} …" if len(shown) > _LONGEST_SHOWN else shown
        table.add_row(name, cut)
    Console().print(table)
    for note in contrast_notes(look.tokens):
        click.echo(
            f"{note.colour}: {note.asked} cannot be read in {note.mode} mode "
            f"({note.asked_ratio:.1f}:1); pages use {note.used} ({note.used_ratio:.1f}:1)."
        )
    if draft and not of_draft:
        click.echo("There is a draft, too: --draft shows it.")


@brand.command(
    "set",
    epilog=examples(
        "kontor brand set nordlicht --accent '#0f6e84' --font figtree --logo logo.svg",
        "kontor brand publish nordlicht",
    ),
)
@click.argument("slug")
@_values
@with_database
def set_(slug: str, **given: Any) -> None:  # noqa: ANN401 - one value for each option
    """Change the draft of a reseller's brand; what is not named stays."""
    scope = scope_of(slug)
    changes = {name: value for name, value in given.items() if value is not None}
    pictures = {
        kind: make_pictures(kind, changes.pop(kind.value).read_bytes())
        for kind in PictureKind
        if kind.value in changes
    }
    texts = {name: path for name, path in changes.items() if name.endswith("_text")}
    for name, path in texts.items():
        changes[name] = clean_text(path.read_text(encoding="utf-8"))
    with transaction(scope) as session:
        for kind, made in pictures.items():
            changes[f"{kind.value}_url"] = branding.keep_pictures(
                session, scope, made=made, now=now(), actor=audit.SYSTEM
            )
        draft, published = branding.find_draft(session, scope), branding.find_brand(session, scope)
        base = draft.look if draft else published or branding.plain_brand(slug)
        look: BrandLook = look_of(values_of(base) | changes)
        branding.save_draft(session, scope, look=look, actor=audit.SYSTEM)
    click.echo(f"The draft is saved. Publish it: kontor brand publish {slug}")


@brand.command(
    epilog=examples("kontor brand publish nordlicht", "kontor brand publish nordlicht --version 3")
)
@click.argument("slug")
@click.option("--version", "number", type=int, help="Publish this earlier version again.")
@with_database
def publish(slug: str, number: int | None) -> None:
    """Publish the draft of a reseller's brand, or an earlier version again."""
    scope = scope_of(slug)
    with transaction(scope) as session:
        if number is None:
            made = branding.publish_draft(session, scope, actor=audit.SYSTEM)
        else:
            made = branding.restore_version(session, scope, number=number, actor=audit.SYSTEM)
    _tell(scope)
    click.echo(f"Version {made} is published.")


@brand.command(epilog=examples("kontor brand discard nordlicht"))
@click.argument("slug")
@with_database
def discard(slug: str) -> None:
    """Throw the draft of a reseller's brand away."""
    scope = scope_of(slug)
    with transaction(scope) as session:
        branding.discard_draft(session, scope, actor=audit.SYSTEM)
    click.echo("The draft is gone.")


@brand.command(epilog=examples("kontor brand history nordlicht"))
@click.argument("slug")
@with_database
def history(slug: str) -> None:
    """List what was published, newest first."""
    scope = scope_of(slug)
    table = Table("Version", "Published", "By", "Name", "Accent", "Brings back", box=SIMPLE_HEAD)
    with transaction(scope) as session:
        for each in branding.list_versions(session, scope):
            table.add_row(
                str(each.number),
                f"{each.published_at:%Y-%m-%d %H:%M} UTC",
                f"{each.realm} {each.actor_id or ''}".strip(),
                each.look.name,
                each.look.tokens.accent,
                str(each.restores or ""),
            )
    Console().print(table)


def _tell(scope: TenantScope) -> None:
    tell_brand_changed(command_settings().redis_url.get_secret_value(), scope.reseller_id)
