# ruff: noqa: INP001 - gunicorn reads it as a file
"""How the web process is served; `kontor web` adds address, workers and trusted front ends.

gevent and psycopg work together only where every worker patches itself before it imports the
application: never preload.
"""

import gc
import resource
from pathlib import Path
from typing import Any

wsgi_app = "wsgi:app"
chdir = str(Path(__file__).parents[1])
preload_app = False

worker_class = "gevent"
workers = 2
# An open balance stream is a connection that stays: 10,000 of them and room for everybody else.
worker_connections = 12_000
backlog = 4_096
# Longer than nginx keeps an idle connection to us (60 s), so that nginx closes first, never we.
keepalive = 75
# A worker that does not even beat for so long hangs; a slow request alone never stops the beat.
timeout = 60
# Requests under way may end; browsers open their streams again elsewhere (SSE `retry`).
graceful_timeout = 10

# Whose X-Forwarded-Proto counts; `--forwarded-allow-ips` names another front end than this machine.
forwarded_allow_ips = "127.0.0.1,::1"

# Requests are logged by the application, structured and without query strings.
accesslog = None
errorlog = "-"
loglevel = "warning"
# The beat of a worker must not wait for a disk.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - gunicorn's advice
# Signals are enough; a socket in somebody's home is one door more.
control_socket_disable = True


def post_worker_init(worker: Any) -> None:  # noqa: ANN401 - gunicorn ships no types
    """Leave what was imported out of garbage collections: a hundred thousand objects that stay.

    A batch of usage makes enough new ones for a full collection, which would walk them all.
    """
    gc.collect()
    gc.freeze()


def on_starting(server: Any) -> None:  # noqa: ANN401 - gunicorn ships no types
    """Allow as many open files as the system lets us: each stream is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
