"""Holds as a caller of the API places and sees them."""

from flask import Flask
from werkzeug.test import TestResponse

from app.billing import Wallet
from app.tenancy import Tenant
from tests.api.caller import Caller
from tests.apps import PLATFORM_DOMAIN
from tests.factories import an_api_key, unique

HOLDS = "/api/v2/holds"


def with_scope(app: Flask, reseller: Tenant, *scopes: str) -> Caller:
    _key, secret = an_api_key(reseller, scopes=scopes)
    return Caller(app, f"{reseller.slug}.{PLATFORM_DOMAIN}", secret)


def a_hold_body(wallet: Wallet, minor: int = 800, **changes: object) -> dict[str, object]:
    return {
        "id": unique("call"),
        "customer_id": str(wallet.customer_id),
        "amount": {"minor": minor, "currency": "EUR"},
        **changes,
    }


def held(caller: Caller, body: dict[str, object]) -> str:
    answer = caller.post(HOLDS, body)
    assert answer.status_code == 201, answer.get_json()
    return f"{HOLDS}/{answer.get_json()['id']}"


def refusal(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.get_json()["code"]


def state(caller: Caller, hold: str) -> tuple[str, int, int]:
    """What a hold is now, what it keeps back, what can be spent beside it."""
    told = caller.get(hold).get_json()
    return told["state"], told["amount"]["minor"], told["available"]["minor"]
