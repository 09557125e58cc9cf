"""What the edge of one app holds: made by `install`, found through the app, never global."""

from dataclasses import dataclass
from typing import cast

from flask import Flask, current_app

from app.edge.brands import BrandDirectory
from app.edge.fonts import FontShelf
from app.edge.key_uses import KeyUses
from app.edge.memory import ShortMemory
from app.edge.metrics import Metrics
from app.edge.news import CacheNews
from app.edge.options import EdgeOptions
from app.edge.sites import SiteDirectory
from app.edge.themes import ThemeShelf
from app.ports import Ports

_EXTENSION = "kontor.edge"


@dataclass(frozen=True, slots=True)
class Edge:
    """The parts of one app that requests share."""

    options: EdgeOptions
    ports: Ports
    news: CacheNews
    sites: SiteDirectory
    brands: BrandDirectory
    themes: ThemeShelf
    fonts: FontShelf
    metrics: Metrics
    accepted_keys: ShortMemory[str, bool]
    key_uses: KeyUses

    def close(self) -> None:
        """End the background work of the app."""
        self.news.close()
        self.key_uses.close()


def keep(app: Flask, edge: Edge) -> None:
    """Give the app its edge."""
    app.extensions[_EXTENSION] = edge


def edge_of(app: Flask) -> Edge:
    """Return the edge of an app."""
    return cast("Edge", app.extensions[_EXTENSION])


def current_edge() -> Edge:
    """Return the edge of the app that answers the current request."""
    return edge_of(current_app)


def current_ports() -> Ports:
    """Return every adapter this process was given."""
    return current_edge().ports
