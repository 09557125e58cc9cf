from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.kernel import cursor
from app.pricing.errors import NoPriceError, NothingSoldError
from app.pricing.models import CreditPurpose
from app.pricing.rules import Tariff
from app.tenancy import TenantScope

# The tariff of a meter at a time, as one JSON value: a caller that needs more facts in the same
# trip selects it beside its own. Parameters: reseller_id, meter, at. Numbers travel as text.
TARIFF_AS_JSON = """
(SELECT json_build_object(
    'price_id', p.id, 'unit_price', p.unit_price::text, 'currency', o.currency,
    'tax_rate', o.tax_rate::text, 'credit_purpose', o.credit_purpose)
   FROM (SELECT s.offer_id FROM sold_offers s
          WHERE s.reseller_id = %(reseller_id)s AND s.valid_from <= %(at)s
          ORDER BY s.valid_from DESC LIMIT 1) sold
   JOIN offers o ON o.id = sold.offer_id
   JOIN prices p ON p.offer_id = o.id AND p.meter = %(meter)s AND p.valid_from <= %(at)s
  ORDER BY p.valid_from DESC LIMIT 1)
"""

# Between which changes of offer, price or share a time lies: the last before, the next after (NULL:
# never). Parameters: reseller_id, meter, at. A price of an offer that is not sold counts too.
SPAN_OF_TERMS = """
(SELECT max(c.valid_from) FROM terms_changes c WHERE c.valid_from <= %(at)s),
(SELECT min(c.valid_from) FROM terms_changes c WHERE c.valid_from > %(at)s)
"""
TERMS_CHANGES = """
terms_changes AS (
    SELECT valid_from FROM sold_offers WHERE reseller_id = %(reseller_id)s
    UNION ALL SELECT valid_from FROM prices WHERE meter = %(meter)s
    UNION ALL SELECT unnest(ARRAY[valid_from, valid_until]) FROM commission_terms
               WHERE reseller_id = %(reseller_id)s)
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
    return Tariff(
        UUID(found["price_id"]),
        Decimal(found["unit_price"]),
        found["currency"],
        Decimal(found["tax_rate"]),
        CreditPurpose(found["credit_purpose"]),
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
