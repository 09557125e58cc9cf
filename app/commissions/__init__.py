"""Each reseller's share of a charge: agreements along the chain and the division of a net price.

Shares rise with the month's volume: provisional at the charge, exact at the month's end.
"""

from app.commissions.agreements import (
    SPAN_OF_SHARES,
    TERMS_AS_JSON,
    agree_commission,
    agree_commissions,
    agreed_at,
    agreements_of,
    read_terms,
)
from app.commissions.bonuses import (
    AgreedBonus,
    BonusKind,
    BonusTerms,
    GrantedBonus,
    bonus_history,
    bonus_terms,
    granted_bonuses,
    is_granted,
    months_after,
    note_bonus,
    set_bonus,
)
from app.commissions.errors import (
    BonusTermsRefusedError,
    EarlierMonthOpenError,
    MonthClosedError,
    MonthNotOverError,
    NoAgreementError,
    RateRefusedError,
    StepsRefusedError,
    TermsFixedError,
)
from app.commissions.laws import LAWS, relations
from app.commissions.models import CommissionStatement
from app.commissions.months import month_of, next_month, starts_at
from app.commissions.provisional import retier
from app.commissions.reckoning import StatementDraft, reckon_month
from app.commissions.rules import Share, Shares, Term, divide, flatten, share
from app.commissions.statements import (
    CLOSES_AFTER,
    MonthState,
    begin_month,
    finish_month,
    list_months,
    list_statements,
    months_to_close,
    statements_of,
    write_statement,
)
from app.commissions.sub_resellers import open_sub_reseller
from app.commissions.terms import rates_kept, shares_at
from app.commissions.tiers import Agreement, Basis, Slice, Step
from app.commissions.volumes import COMMISSION, REVENUE, SHARED, net_sales, volumes_by_currency

__all__ = [
    "CLOSES_AFTER",
    "COMMISSION",
    "LAWS",
    "REVENUE",
    "SHARED",
    "SPAN_OF_SHARES",
    "TERMS_AS_JSON",
    "AgreedBonus",
    "Agreement",
    "Basis",
    "BonusKind",
    "BonusTerms",
    "BonusTermsRefusedError",
    "CommissionStatement",
    "EarlierMonthOpenError",
    "GrantedBonus",
    "MonthClosedError",
    "MonthNotOverError",
    "MonthState",
    "NoAgreementError",
    "RateRefusedError",
    "Share",
    "Shares",
    "Slice",
    "StatementDraft",
    "Step",
    "StepsRefusedError",
    "Term",
    "TermsFixedError",
    "agree_commission",
    "agree_commissions",
    "agreed_at",
    "agreements_of",
    "begin_month",
    "bonus_history",
    "bonus_terms",
    "divide",
    "finish_month",
    "flatten",
    "granted_bonuses",
    "is_granted",
    "list_months",
    "list_statements",
    "month_of",
    "months_after",
    "months_to_close",
    "net_sales",
    "next_month",
    "note_bonus",
    "open_sub_reseller",
    "rates_kept",
    "read_terms",
    "reckon_month",
    "relations",
    "retier",
    "set_bonus",
    "share",
    "shares_at",
    "starts_at",
    "statements_of",
    "volumes_by_currency",
    "write_statement",
]
