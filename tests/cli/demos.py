"""`kontor demo` as somebody starts it: a process of its own, a directory, a free port."""

import http.client
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from app.cli.configuration import PROJECT

READY_SECONDS = 60.0
END_SECONDS = 30.0
# The last line that a demo prints before it only plays.
READY = "Logs are in"
ENVIRONMENT = {"PATH": os.defpath, "COLUMNS": "120", "LANG": "C.UTF-8"}


class Demo:
    """A running demo and what it has printed."""

    def __init__(self, data: Path, *options: str, port: int | None = None) -> None:
        self.data = data
        self.port = port or free_port()
        self._output = data.with_name(f"{data.name}-{secrets.token_hex(4)}.out")
        with self._output.open("w") as sink:
            self._process = subprocess.Popen(
                [*command(), "--data", str(data), "--port", str(self.port), *options],
                cwd=PROJECT,
                env=ENVIRONMENT,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def printed(self) -> str:
        return self._output.read_text(encoding="utf-8")

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while READY not in self.printed:
            assert self._process.poll() is None, self.printed
            assert time.monotonic() < deadline, self.printed
            time.sleep(0.05)

    def processes(self) -> list[psutil.Process]:
        """Return the demo, what it started, and the servers that live in its directory."""
        own = psutil.Process(self._process.pid)
        places = {str(self.data.resolve()), str((self.data / "postgres").resolve() / "data")}
        servers = [
            each
            for each in psutil.process_iter(["cwd"])
            if each.info["cwd"] in places and each.pid != own.pid
        ]
        return [own, *own.children(recursive=True), *servers]

    def children(self) -> dict[str, psutil.Process]:
        """Return the children by the word in their command that tells them apart."""
        found: dict[str, psutil.Process] = {}
        for child in psutil.Process(self._process.pid).children():
            for word in {"gunicorn", "app.sandbox", "worker"}.intersection(child.cmdline()):
                found[word] = child
        return found

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send the signal and return the status of the end."""
        if self._process.poll() is None:
            self._process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        return self._process.wait(END_SECONDS)

    def example(self) -> dict[str, Any]:
        """Return the API key and the body of the call that was printed."""
        line = next(line for line in self.printed.splitlines() if line.startswith("curl"))
        found = re.search(r"Bearer (\S+)'.* -d '(.*)'", line)
        assert found is not None
        return {"key": found[1], "body": json.loads(found[2])}

    def get(self, host: str, path: str, **headers: str) -> tuple[int, str]:
        """Ask for a page as a browser would that knows the host."""
        return self._ask("GET", f"{host}:{self.port}", path, None, headers)

    def post(self, host: str, path: str, body: object, **headers: str) -> tuple[int, str]:
        sent = {"Content-Type": "application/json", **headers}
        return self._ask("POST", f"{host}:{self.port}", path, json.dumps(body), sent)

    def ask_sandbox(self, method: str, path: str, **headers: str) -> dict[str, Any]:
        found = re.search(r"http://(127\.0\.0\.1:\d+)/_sandbox/", self.printed)
        assert found is not None
        _, answer = self._ask(method, found[1], path, None, headers)
        return dict(json.loads(answer))

    def _ask(
        self, method: str, host: str, path: str, body: str | None, headers: dict[str, str]
    ) -> tuple[int, str]:
        port = int(host.rpartition(":")[2])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request(method, path, body, {"Host": host, **headers})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()


def command() -> list[str]:
    return [sys.executable, "-m", "app.cli", "demo"]


def remove(data: Path) -> None:
    """Delete a demo's data, wherever they lie."""
    subprocess.run(
        [*command(), "--remove", "--data", str(data)],
        check=True, cwd=PROJECT, env=ENVIRONMENT, capture_output=True, timeout=60,
    )  # fmt: skip


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
