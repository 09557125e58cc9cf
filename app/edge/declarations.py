"""What a blueprint says of itself, once, where it is made: where it exists, who calls it."""

from dataclasses import dataclass
from enum import Flag, auto

from flask import Blueprint, Flask
from flask.blueprints import BlueprintSetupState
from flask.sansio.app import App

from app.edge.options import Allowance

_EXTENSION = "kontor.declarations"


class Where(Flag):
    """On which hosts routes exist; elsewhere they are not in the URL map at all (rule R8)."""

    RESELLER_SITES = auto()
    PLATFORM_SITE = auto()
    UNKNOWN_HOSTS = auto()
    ALL_SITES = RESELLER_SITES | PLATFORM_SITE
    # Probes and scrapers come without a site; no session, no brand, no query.
    ANY_HOST = RESELLER_SITES | PLATFORM_SITE | UNKNOWN_HOSTS


@dataclass(frozen=True, slots=True)
class Declaration:
    """Where a blueprint exists, what its requests are counted against, who calls it."""

    where: Where
    allowance: Allowance | None
    is_for_machines: bool
    is_open_when_closed: bool


class UndeclaredBlueprintError(LookupError):
    """A bug: a blueprint was registered that does not say where it exists."""


def declare(
    blueprint: Blueprint,
    *,
    where: Where,
    allowance: Allowance | None = None,
    is_for_machines: bool = False,
    is_open_when_closed: bool = False,
) -> None:
    """Say where a blueprint exists; call it right after making the blueprint, once.

    A blueprint for machines authenticates every request by itself, so its requests carry no CSRF
    token, and its errors are always problem+json. What is open when closed answers on the site of
    a suspended reseller, too.
    """
    declaration = Declaration(where, allowance, is_for_machines, is_open_when_closed)

    def remember(state: BlueprintSetupState) -> None:
        all_of(state.app)[state.name] = declaration

    blueprint.record(remember)


def all_of(app: App) -> dict[str, Declaration]:
    """Return every declaration of the app by the blueprint's name."""
    found: dict[str, Declaration] = app.extensions.setdefault(_EXTENSION, {})
    return found


def declaration_of(app: Flask, endpoint: str | None) -> Declaration | None:
    """Return what the endpoint's blueprint declared; None for static files and no endpoint."""
    blueprint = (endpoint or "").rpartition(".")[0]
    if not blueprint:
        return None
    if blueprint not in all_of(app):
        raise UndeclaredBlueprintError(blueprint)
    return all_of(app)[blueprint]
