from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ScalarSelect, select
from sqlalchemy.orm import Session

from app.kernel import cursor
from app.pricing.errors import NoPriceError, NothingSoldError
from app.pricing.models import CreditPurpose, SoldOffer
from app.pricing.rules import Step, Tariff, held_to_floor
from app.tenancy import TenantScope

# The tariff of a meter at a time, as one JSON value: a caller that needs more facts in the same
# trip selects it beside its own. Parameters: reseller_id, meter, at. Numbers travel as text.
TARIFF_AS_JSON = """
(SELECT json_build_object(
    'price_id', p.id, 'unit_price', p.unit_price::text, 'currency', o.currency,
    'tax_rate', o.tax_rate::text, 'credit_purpose', o.credit_purpose, 'parts', m.parts,
    'first_increment', p.first_increment, 'next_increment', p.next_increment,
    'minimum', p.minimum::text, 'allowance', p.allowance::text,
    'floor_price', p.floor_price::text,
    'steps', (SELECT json_agg(json_build_array(t.above::text, t.unit_price::text) ORDER BY t.above)
                FROM price_steps t WHERE t.price_id = p.id),
    'own', (SELECT json_build_object('id', r.id, 'unit_price', r.unit_price::text, 'steps',
               (SELECT json_agg(json_build_array(t.above::text, t.unit_price::text)
                                ORDER BY t.above)
                  FROM retail_price_steps t
                 WHERE t.reseller_id = r.reseller_id AND t.retail_price_id = r.id))
              FROM retail_prices r
             WHERE r.reseller_id = %(reseller_id)s AND r.meter = p.meter
               AND r.currency = o.currency AND r.valid_from <= %(at)s
             ORDER BY r.valid_from DESC LIMIT 1))
   FROM (SELECT s.offer_id FROM sold_offers s
          WHERE s.reseller_id = %(reseller_id)s AND s.valid_from <= %(at)s
          ORDER BY s.valid_from DESC LIMIT 1) sold
   JOIN offers o ON o.id = sold.offer_id
  CROSS JOIN LATERAL
        (SELECT * FROM prices
          WHERE offer_id = o.id AND meter = %(meter)s AND valid_from <= %(at)s
          ORDER BY valid_from DESC LIMIT 1) p
   JOIN meters m ON m.meter = p.meter)
"""

# Between which changes of offer or price a time lies: the last before, the next after (NULL:
# never). Parameters: reseller_id, meter, at. A price of an offer that is not sold counts too.
SPAN_OF_TERMS = """
(SELECT max(c.valid_from) FROM terms_changes c WHERE c.valid_from <= %(at)s),
(SELECT min(c.valid_from) FROM terms_changes c WHERE c.valid_from > %(at)s)
"""
TERMS_CHANGES = """
terms_changes AS (
    SELECT valid_from FROM sold_offers WHERE reseller_id = %(reseller_id)s
    UNION ALL SELECT valid_from FROM prices WHERE meter = %(meter)s
    UNION ALL SELECT valid_from FROM retail_prices
               WHERE reseller_id = %(reseller_id)s AND meter = %(meter)s)
"""

# What is sold at a time, without a meter. Parameters: reseller_id, at.
_TERMS = """
SELECT o.currency, o.tax_rate, o.credit_purpose
  FROM sold_offers s JOIN offers o ON o.id = s.offer_id
 WHERE s.reseller_id = %(reseller_id)s AND s.valid_from <= %(at)s
 ORDER BY s.valid_from DESC LIMIT 1
"""


def read_tariff(found: Mapping[str, Any] | None, *, meter: str) -> Tariff:
    """Return the tariff that `TARIFF_AS_JSON` found; refuses where it found none."""
    if found is None:
        raise NoPriceError(meter=meter)
    unit_price, steps, retail_price_id = _asked(found)
    return Tariff(
        price_id=UUID(found["price_id"]),
        unit_price=unit_price,
        currency=found["currency"],
        tax_rate=Decimal(found["tax_rate"]),
        credit_purpose=CreditPurpose(found["credit_purpose"]),
        parts=found["parts"],
        first_increment=found["first_increment"] or 0,
        next_increment=found["next_increment"] or 0,
        minimum=Decimal(found["minimum"]),
        allowance=Decimal(found["allowance"]),
        steps=steps,
        retail_price_id=retail_price_id,
    )


def _asked(found: Mapping[str, Any]) -> tuple[Decimal, tuple[Step, ...], UUID | None]:
    """Return what a unit is sold for: the reseller's own price where she asks one."""
    own = found["own"]
    if own is None or own["unit_price"] is None:
        return Decimal(found["unit_price"]), _steps(found["steps"]), None
    unit_price, steps = held_to_floor(
        Decimal(own["unit_price"]), _steps(own["steps"]), Decimal(found["floor_price"])
    )
    return unit_price, steps, UUID(own["id"])


def _steps(found: Sequence[Sequence[str]] | None) -> tuple[Step, ...]:
    return tuple(Step(Decimal(above), Decimal(price)) for above, price in found or ())


def find_sold_offer(scope: TenantScope, at: datetime) -> ScalarSelect[UUID]:
    """Return the query for the offer that a reseller sells at a time; it finds NULL for none."""
    return (
        select(SoldOffer.offer_id)
        .where(SoldOffer.reseller_id == scope.reseller_id, SoldOffer.valid_from <= at)
        .order_by(SoldOffer.valid_from.desc())
        .limit(1)
        .scalar_subquery()
    )


def tax_terms(
    session: Session, scope: TenantScope, *, at: datetime
) -> tuple[str, Decimal, CreditPurpose]:
    """Return currency, tax rate and purpose of the credit a reseller sells at a time.

    Refuses a reseller that sells nothing yet.
    """
    row = (
        cursor(session)
        .execute(_TERMS.encode(), {"reseller_id": scope.reseller_id, "at": at})
        .fetchone()
    )
    if row is None:
        raise NothingSoldError
    currency, tax_rate, purpose = row
    return currency, tax_rate, CreditPurpose(purpose)


def sold_offer_id(session: Session, scope: TenantScope, *, at: datetime) -> UUID:
    """Return which offer a reseller sells at a time; refuses one that sells nothing yet."""
    found: UUID | None = session.scalar(select(find_sold_offer(scope, at)))
    if found is None:
        raise NothingSoldError
    return found
