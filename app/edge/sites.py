"""Which site a host stands for, from the memory of this process where it may (rules R2 to R7)."""

from dataclasses import dataclass
from functools import lru_cache
from threading import Lock

from app.edge.memory import ShortMemory
from app.edge.news import CacheNews
from app.kernel import transaction
from app.tenancy import InvalidHostError, PublicScope, Site, find_site, normalise_host

TOPIC = "site"
MEMORY_SECONDS = 30.0
MEMORY_SIZE = 10_000
# Hosts that are looked up at the same time; two that share a gate wait for each other.
GATES = 64


@dataclass(frozen=True, slots=True)
class _Nobody:
    """The host is nobody's."""


_NOBODY = _Nobody()


class SiteDirectory:
    """Finds the site of a host: at most one query, none for a host that was asked for lately.

    Known and unknown hosts are remembered apart, so that a flood of invented names cannot push
    the real ones out.
    """

    def __init__(self, *, platform_domain: str, news: CacheNews) -> None:
        self._platform_domain = platform_domain
        self._news = news
        self._known: ShortMemory[str, Site] = ShortMemory(size=MEMORY_SIZE, seconds=MEMORY_SECONDS)
        self._unknown: ShortMemory[str, _Nobody] = ShortMemory(
            size=MEMORY_SIZE, seconds=MEMORY_SECONDS
        )
        self._gates = [Lock() for _ in range(GATES)]
        news.on(TOPIC, self._forget)

    def find(self, raw_host: str) -> Site | None:
        """Return the site of a `Host` header, None for an unknown one; refuses an invalid one."""
        host = _normalised(raw_host)
        if site := self._known.get(host):
            return site
        if self._unknown.get(host):
            return None
        # Thousands that reconnect to a new process ask for one host: the first looks it up.
        with self._gates[hash(host) % GATES]:
            if (site := self._known.get(host)) or self._unknown.get(host):
                return site
            return self._look_up(host)

    def _look_up(self, host: str) -> Site | None:
        scope, age = PublicScope(), (self._unknown.age, self._known.age)
        with transaction(scope) as session:
            found = find_site(session, scope, host=host, platform_domain=self._platform_domain)
        if found is None:
            self._unknown.put(host, _NOBODY, age=age[0])
        else:
            self._known.put(host, found, age=age[1])
        return found

    def forget(self, host: str) -> None:
        """Make every process look the host up again; call it after the commit that changed it."""
        self._news.tell(TOPIC, normalise_host(host))

    def _forget(self, host: str | None) -> None:
        for memory in (self._known, self._unknown):
            if host is None:
                memory.clear()
            else:
                memory.forget(host)


@lru_cache(maxsize=MEMORY_SIZE)
def _normalised(raw_host: str) -> str:
    # A header carries A-labels; bytes above ASCII are no host name, whatever they decode to.
    if not raw_host.isascii():
        raise InvalidHostError
    return normalise_host(raw_host)
