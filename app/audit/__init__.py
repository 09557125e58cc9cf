"""Who did what, when: ids only, written in the transaction that did it, never changed."""

from app.audit.models import AuditRecord
from app.audit.records import SYSTEM, Actor, Fact, record

__all__ = ["SYSTEM", "Actor", "AuditRecord", "Fact", "record"]
