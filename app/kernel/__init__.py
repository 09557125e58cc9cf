"""What every slice stands on: money, ids, clock, refusals, transactions, events, paging."""

from app.kernel.clock import (
    BUSINESS_ZONE,
    business_month,
    months_later,
    now,
    start_of_business_month,
)
from app.kernel.db import (
    LostWorkError,
    Scope,
    SignIn,
    SoleStatementError,
    alone,
    append,
    begin,
    connect,
    cursor,
    driver_url,
    flush_appended,
    is_sole,
    make_engine,
    transaction,
)
from app.kernel.errors import AppError, Kind, translatable
from app.kernel.greenlets import BlockingDriverError, require_cooperative_driver
from app.kernel.ids import derived_id, first_id_at, new_id
from app.kernel.jobs import defer
from app.kernel.languages import Language, read_language
from app.kernel.models import Base
from app.kernel.money import CurrencyMismatchError, Money, UnknownCurrencyError
from app.kernel.outbox import Event, OutboxEvent, emit, note_emitted
from app.kernel.paging import MAXIMUM_PAGE_SIZE, PAGE_SIZE, BadCursorError, Page, read_cursor
from app.kernel.shapes import EXACT_JSON, refused_fields

__all__ = [
    "BUSINESS_ZONE",
    "EXACT_JSON",
    "MAXIMUM_PAGE_SIZE",
    "PAGE_SIZE",
    "AppError",
    "BadCursorError",
    "Base",
    "BlockingDriverError",
    "CurrencyMismatchError",
    "Event",
    "Kind",
    "Language",
    "LostWorkError",
    "Money",
    "OutboxEvent",
    "Page",
    "Scope",
    "SignIn",
    "SoleStatementError",
    "UnknownCurrencyError",
    "alone",
    "append",
    "begin",
    "business_month",
    "connect",
    "cursor",
    "defer",
    "derived_id",
    "driver_url",
    "emit",
    "first_id_at",
    "flush_appended",
    "is_sole",
    "make_engine",
    "months_later",
    "new_id",
    "note_emitted",
    "now",
    "read_cursor",
    "read_language",
    "refused_fields",
    "require_cooperative_driver",
    "start_of_business_month",
    "transaction",
    "translatable",
]
