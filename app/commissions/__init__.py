"""Each reseller's share of a charge: agreements along the chain and the division of a net price."""

from app.commissions.agreements import (
    SPAN_OF_SHARES,
    TERMS_AS_JSON,
    agree_commission,
    agree_commissions,
    read_terms,
)
from app.commissions.errors import NoAgreementError, RateRefusedError, TermsFixedError
from app.commissions.rules import Share, Shares, Term, divide, flatten, share
from app.commissions.sub_resellers import open_sub_reseller

__all__ = [
    "SPAN_OF_SHARES",
    "TERMS_AS_JSON",
    "NoAgreementError",
    "RateRefusedError",
    "Share",
    "Shares",
    "Term",
    "TermsFixedError",
    "agree_commission",
    "agree_commissions",
    "divide",
    "flatten",
    "open_sub_reseller",
    "read_terms",
    "share",
]
