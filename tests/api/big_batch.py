"""Send one big batch to a web app of this process's own and say how much memory that took.

Run as `python -m`; arguments: application URL, platform URL, Redis URL, host, key, file, type.
Prints as JSON: resident memory in bytes before and at most, and how many results there were.
"""

import json
import re
import sys
from pathlib import Path
from typing import cast

from flask import Flask

from app.embedded import RedisServer
from app.factory import close_app, create_app
from tests.apps import settings_of_tests

KIBIBYTE = 1024


def main(*arguments: str) -> None:
    application_url, platform_url, redis_url, host, key, file, form = arguments
    settings = settings_of_tests(
        application_url=application_url,
        platform_url=platform_url,
        redis=cast("RedisServer", RedisAt(redis_url)),
    )
    app = create_app(settings)
    body = Path(file).read_bytes()
    # Whatever is loaded once is loaded before.
    _send(app, host, key, b"7\n" if form.endswith("ndjson") else b"[7]", form)
    before = _most_memory()
    charged = _send(app, host, key, body, form)
    print(json.dumps({"before": before, "most": _most_memory(), "charged": charged}))  # noqa: T201 - its answer
    close_app(app)


class RedisAt:
    """A Redis that somebody else has started."""

    def __init__(self, url: str) -> None:
        self.url = url


def _send(app: Flask, host: str, key: str, body: bytes, form: str) -> int:
    answer = app.test_client().post(
        "/api/v2/usage/batch",
        base_url=f"https://{host}",
        data=body,
        headers={"Authorization": f"Bearer {key}", "Content-Type": form},
    )
    # Read as it comes, as a server hands it on.
    return sum(part.count(b'"charged"') for part in answer.iter_encoded())


def _most_memory() -> int:
    """The most resident memory so far; `getrusage` would say the parent's where that was more."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (kibibytes,) = re.findall(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return int(kibibytes) * KIBIBYTE


if __name__ == "__main__":
    main(*sys.argv[1:])
