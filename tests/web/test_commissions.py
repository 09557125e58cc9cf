"""What a reseller reads about a month: also what it took back from earlier ones."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask

from app.billing import close_month
from app.commissions import next_month, starts_at
from app.embedded import PostgresServer
from tests.conftest import Database
from tests.factories.credits import reverse
from tests.factories.databases import a_database_of_its_own, connected_to
from tests.factories.money import a_priced_reseller, a_wallet, an_offer, charge
from tests.factories.months import close_this_month, this_month
from tests.web.portals import staff_of, text_of


@pytest.fixture(autouse=True)
def own(cluster: PostgresServer, connected: Database) -> Iterator[Database]:
    """A database of each test's own: a month is closed for all resellers, for ever."""
    with a_database_of_its_own(cluster) as database, connected_to(database):
        yield database


def test_a_reseller_reads_what_a_month_took_back_from_an_earlier_one(app: Flask) -> None:
    reseller = a_priced_reseller(offer=an_offer(tax_rate="0"), steps=((1_000, "0.30"),))
    wallet = a_wallet(5_000, reseller=reseller)
    charge(wallet, "900")
    gone = charge(wallet, "600")
    close_this_month()
    following = next_month(this_month())
    reverse(reseller.id, gone.id)
    close_month(month=following, now=starts_at(next_month(following)) + timedelta(hours=2))

    page = staff_of(app, reseller).get(f"/reseller/commissions?month={following:%Y-%m}")

    assert page.status_code == 200
    words = text_of(page).partition("Aus früheren Monaten ausgebucht")[2]
    assert "6,00 € 4,00 € 2,25 €" in words
