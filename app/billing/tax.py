from datetime import datetime

from sqlalchemy.orm import Session

from app import pricing
from app.kernel import Money
from app.tenancy import TenantScope


def tax_falling_due(session: Session, scope: TenantScope, *, credit: Money, at: datetime) -> Money:
    """Return the tax that falls due with credit that is given, or back with credit that is taken.

    All of it for single-purpose credit, nothing for multi-purpose credit (§ 3 (13)-(15) UStG).
    Credit below zero is taken: its tax is below zero, too. Refuses a reseller that sells nothing.
    """
    currency, tax_rate, purpose = pricing.tax_terms(session, scope, at=at)
    if purpose is not pricing.CreditPurpose.SINGLE or currency != credit.currency:
        return Money(0, credit.currency)
    if credit.minor < 0:
        return -pricing.tax_within(-credit, tax_rate)
    return pricing.tax_within(credit, tax_rate)
