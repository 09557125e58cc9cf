"""What docs/usage.md shows is what the API answers."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app.kernel import now
from tests.api.caller import Caller
from tests.apps import PLATFORM_DOMAIN
from tests.factories import an_api_key
from tests.factories.lines import a_line
from tests.factories.money import a_priced_reseller, a_wallet, an_offer

PAGE = (Path(__file__).parents[2] / "docs/usage.md").read_text(encoding="utf-8")
LINE = "line:+49301234567"
NEW_EACH_TIME = {"customer_id", "expires_at"}


@pytest.fixture
def asked(app: Flask) -> tuple[Caller, Callable[[str], str]]:
    """A reseller as the page has it, and the page's texts with a line and times of this test's."""
    reseller = a_priced_reseller(offer=an_offer(unit_price="0.19"))
    line, at = a_line(a_wallet(5_000, reseller=reseller)), now() - timedelta(hours=1)
    _key, secret = an_api_key(reseller, scopes=["usage:write", "holds:write"])

    def of_today(text: str) -> str:
        text = re.sub(r"2026-11-20T[\d:]+Z", at.isoformat(), text)
        return text.replace(LINE, line)

    return Caller(app, f"{reseller.slug}.{PLATFORM_DOMAIN}", secret), of_today


def lasting(told: dict[str, Any]) -> dict[str, Any]:
    """An answer without what is new each time: ids of ours and times, and the site's language."""
    return {
        name: lasting(value) if isinstance(value, dict) else value
        for name, value in told.items()
        if name not in {*NEW_EACH_TIME, "detail"} and not (name == "id" and len(str(value)) == 36)
    }


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_batch_on_the_page_is_answered_as_the_page_says(
    asked: tuple[Caller, Callable[[str], str]],
) -> None:
    caller, of_today = asked
    (body,) = re.findall(r"<<'EOF'\n(.*?)EOF", PAGE, re.DOTALL)

    answer = caller.send(
        "/api/v2/usage/batch", of_today(body).encode(), "application/x-ndjson"
    ).get_data(as_text=True)

    told = [json.loads(line) for line in answer.splitlines()]
    shown = [json.loads(line) for line in blocks("json")[0].splitlines()]
    assert [lasting(each) for each in told] == [lasting(each) for each in shown]


def test_the_hold_on_the_page_is_answered_as_the_page_says(
    asked: tuple[Caller, Callable[[str], str]],
) -> None:
    caller, of_today = asked
    # The page's wallet has paid for the batch.
    caller.send(
        "/api/v2/usage/batch",
        of_today(re.findall(r"<<'EOF'\n(.*?)EOF", PAGE, re.DOTALL)[0]).encode(),
        "application/x-ndjson",
    )
    calls = re.findall(r"^(POST|GET) +(/api/v2/holds\S*) *(.*)$", PAGE, re.MULTILINE)

    first, *others = calls
    placed = caller.post(first[1], json.loads(of_today(first[2])))
    hold = placed.get_json()["id"]
    statuses = []
    for method, path, body in others:
        address = path.replace("<hold>", hold)
        sent = method == "POST" and caller.post(address, json.loads(of_today(body)))
        statuses.append((sent or caller.get(address)).status_code)

    assert lasting(placed.get_json()) == lasting(json.loads(blocks("json")[1]))
    assert statuses == [200, 201, 200, 200]
