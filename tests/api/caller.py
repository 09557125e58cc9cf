"""A program that calls the API of one site with one key."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Flask
from werkzeug.test import TestResponse

from app.kernel import now
from app.tenancy import Tenant
from tests.apps import PLATFORM_DOMAIN
from tests.factories import a_platform_key, an_api_key


@dataclass(frozen=True)
class Caller:
    app: Flask
    host: str
    key: str

    def post(self, path: str, body: object, **headers: str) -> TestResponse:
        return self.app.test_client().post(
            path, json=body, base_url=f"https://{self.host}", headers={**self._key(), **headers}
        )

    def send(self, path: str, data: bytes, content_type: str) -> TestResponse:
        """Post a body as it is; the answer is read as it comes."""
        return self.app.test_client().post(
            path,
            data=data,
            base_url=f"https://{self.host}",
            headers={**self._key(), "Content-Type": content_type},
        )

    def get(self, path: str) -> TestResponse:
        return self.app.test_client().get(
            path, base_url=f"https://{self.host}", headers=self._key()
        )

    def _key(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}


def a_caller(app: Flask, reseller: Tenant) -> Caller:
    _key, secret = an_api_key(reseller)
    return Caller(app, f"{reseller.slug}.{PLATFORM_DOMAIN}", secret)


def a_platform_caller(app: Flask) -> Caller:
    """The platform's own meter."""
    _key, secret = a_platform_key()
    return Caller(app, PLATFORM_DOMAIN, secret)


def a_body(customer_id: UUID, **changes: object) -> dict[str, Any]:
    """A usage event over 100 units, a minute ago."""
    return {
        "id": "call-1",
        "customer_id": str(customer_id),
        "meter": "call_minutes",
        "quantity": "100",
        "occurred_at": (now() - timedelta(minutes=1)).isoformat(),
        **changes,
    }


def a_line_body(line: str, **changes: object) -> dict[str, Any]:
    """The same event, of whoever has the line."""
    body = a_body(UUID(int=0), subject=line, **changes)
    del body["customer_id"]
    return body
