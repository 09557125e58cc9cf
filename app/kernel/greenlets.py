import sys

import psycopg.waiting


class BlockingDriverError(RuntimeError):
    """psycopg was imported before gevent patched the process: every query would stop them all."""


def require_cooperative_driver() -> None:
    """Refuse to serve where gevent rules and psycopg waits in C (gunicorn with --preload).

    Without gevent there is nothing to refuse.
    """
    monkey = sys.modules.get("gevent.monkey")
    if monkey is None or not monkey.is_module_patched("select"):
        return
    if psycopg.waiting.wait is getattr(psycopg.waiting, "wait_c", None):
        raise BlockingDriverError("start gunicorn with gevent workers and without --preload")
