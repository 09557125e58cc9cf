"""A customer without a browser: opens the hosted page and sends its forms."""

import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urljoin, urlsplit

TEST_CARD = "4242424242424242"


@dataclass(frozen=True)
class Page:
    status: int
    text: str
    headers: http.client.HTTPMessage
    url: str

    @property
    def location(self) -> str:
        return urljoin(self.url, str(self.headers["Location"]))


class Shopper:
    def __init__(self, language: str = "en") -> None:
        self.language = language

    def open(self, url: str) -> Page:
        return self._send("GET", url)

    def submit(self, url: str, **fields: str) -> Page:
        return self._send("POST", url, urlencode(fields))

    def submit_from_elsewhere(self, url: str, **fields: str) -> Page:
        """Send the form as a browser would from a page of another site."""
        return self._send("POST", url, urlencode(fields), {"Sec-Fetch-Site": "cross-site"})

    def pay(self, url: str, number: str = TEST_CARD, **fields: str) -> Page:
        form = {
            "number": number,
            "expiry": "12 / 34",
            "cvc": "123",
            "name": "Erika Mustermann",
            "email": "erika@example.com",
        }
        return self.submit(url, **{**form, **fields})

    def _send(
        self, method: str, url: str, body: str | None = None, also: Mapping[str, str] | None = None
    ) -> Page:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
        headers = {"Accept-Language": self.language, **(also or {})}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            text = response.read().decode()
            return Page(response.status, text, response.headers, url)
        finally:
            connection.close()
