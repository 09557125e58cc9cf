"""What gunicorn serves: settings -> create_app -> app."""

import psycopg.waiting
from gevent import monkey

from app.edge import configure_logs
from app.factory import create_app
from app.settings import Settings


class BlockingDriverError(RuntimeError):
    """psycopg was imported before gevent patched the process: one query would stop every stream."""


def _refuse_blocking_driver() -> None:
    """Refuse to serve under gevent with psycopg's C wait, which gevent cannot interrupt.

    It happens with gunicorn's --preload (DESIGN.md, section 9).
    """
    blocking = getattr(psycopg.waiting, "wait_c", None)
    if monkey.is_module_patched("select") and psycopg.waiting.wait is blocking:
        raise BlockingDriverError("start gunicorn without --preload")


_refuse_blocking_driver()
settings = Settings()  # type: ignore[call-arg] # mypy misses Field's positional defaults
configure_logs(as_json=settings.log_json)
app = create_app(settings)
