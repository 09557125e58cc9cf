"""The developer's side of the sandbox: faults, clock, deliveries."""

import http.client
import json
import time
from typing import Any
from urllib.parse import urlsplit


class Switches:
    def __init__(self, url: str) -> None:
        self._place = urlsplit(url).netloc

    def post(self, path: str, /, **values: object) -> dict[str, Any]:
        return self.send("POST", path, values)[1]

    def get(self, path: str) -> dict[str, Any]:
        return self.send("GET", path)[1]

    def send(
        self, method: str, path: str, values: dict[str, object] | None = None
    ) -> tuple[int, dict[str, Any]]:
        connection = http.client.HTTPConnection(self._place, timeout=20)
        body = None if values is None else json.dumps(values)
        headers = {"Content-Type": "application/json"} if body is not None else {}
        try:
            connection.request(method, f"/_sandbox{path}", body, headers)
            response = connection.getresponse()
            return response.status, dict(json.loads(response.read()))
        finally:
            connection.close()

    def settled(self, timeout: float = 10.0) -> bool:
        """Wait until nothing is on its way any more."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self.get("/deliveries?limit=1")["pending"] == 0:
                return True
            time.sleep(0.01)
        return False

    def fault(self, on: str, effect: str, /, **values: object) -> dict[str, Any]:
        return self.post("/faults", on=on, effect=effect, **values)
