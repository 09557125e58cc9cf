"""What the pages of reseller and platform add up, over books, months and currencies."""

import pytest

from app.billing import BookTotals, platform_figures, reseller_figures
from app.billing.figures import ResellerFigures
from app.kernel import Money, now, transaction
from app.pricing import sell_offer
from app.tenancy import PlatformScope, Tenant
from tests.factories import scope_of
from tests.factories.money import (
    a_chain,
    a_priced_reseller,
    a_wallet,
    an_event,
    an_offer,
    charge,
)

pytestmark = pytest.mark.usefixtures("connected")


def figures_of(reseller: Tenant, currency: str = "EUR") -> ResellerFigures:
    scope = scope_of(reseller)
    with transaction(scope) as session:
        return reseller_figures(session, scope, currency=currency, now=now())


def test_a_customer_of_a_sub_reseller_pays_both() -> None:
    top, sub = a_chain(2)
    charge(a_wallet(1_000, reseller=top), "119")
    charge(a_wallet(1_000, reseller=sub), "119")

    above, below = figures_of(top), figures_of(sub)

    # 25 % of 1.00 net in its own book and 10 % (25 - 15) in the one below; there 15 %.
    assert (above.commission_total.minor, above.commission_below.minor) == (35, 10)
    assert (below.commission_total.minor, below.commission_below.minor) == (15, 0)
    assert (above.commission_month, below.commission_month) == (
        above.commission_total,
        below.commission_total,
    )
    assert (above.revenue_month.minor, below.revenue_month.minor) == (119, 119)
    assert [line.commission.minor for line in above.recent] == [25]


def test_a_month_adds_up_one_currency_alone() -> None:
    reseller = a_priced_reseller()
    charge(a_wallet(1_000, reseller=reseller), "100")
    sold_since, platform = now(), PlatformScope()
    with transaction(platform) as session:
        sell_offer(
            session,
            platform,
            reseller_id=reseller.id,
            offer_id=an_offer(currency="USD").id,
            valid_from=sold_since,
        )
    dollars = a_wallet(1_000, reseller=reseller, currency="USD")
    charge(dollars, an_event(dollars, "200", occurred_at=now()))

    months = [figures_of(reseller, currency).revenue_month for currency in ("EUR", "USD")]

    assert months == [Money(100, "EUR"), Money(200, "USD")]


def test_the_platform_sees_how_each_book_shared_its_charges() -> None:
    reseller = a_priced_reseller()
    charge(a_wallet(1_000, reseller=reseller), "119")
    scope = PlatformScope()

    with transaction(scope) as session:
        _whole, books = platform_figures(session, scope, currency="EUR")

    commission, revenue, tax, gross = (Money(minor, "EUR") for minor in (25, 75, 19, 119))
    assert books[reseller.id] == BookTotals(commission, revenue, tax, gross)


def test_a_customer_whose_balance_runs_low_is_marked() -> None:
    reseller = a_priced_reseller()
    a_wallet(999, reseller=reseller)
    a_wallet(1_000, reseller=reseller)

    statuses = [line.status for line in figures_of(reseller, "EUR").customers]

    assert sorted(statuses) == ["active", "low"]
