from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from app.kernel import Event


@dataclass(frozen=True)
class SignUpMade(Event):
    """Somebody signed up; her address waits to be confirmed by a link made from this id."""

    kind: ClassVar[str] = "sign_up_made"
    application_id: UUID


@dataclass(frozen=True)
class TrialBegun(Event):
    """An address was confirmed and the reseller's site is there."""

    kind: ClassVar[str] = "trial_begun"
    application_id: UUID


@dataclass(frozen=True)
class ResellerDecided(Event):
    """The platform approved or refused; `cause` is a `StateCause`'s value."""

    kind: ClassVar[str] = "reseller_decided"
    application_id: UUID
    cause: str


@dataclass(frozen=True)
class TrialEnding(Event):
    """A trial ends soon, and nobody has decided yet."""

    kind: ClassVar[str] = "trial_ending"
    application_id: UUID


@dataclass(frozen=True)
class QuestionAsked(Event):
    """The platform asks something before it decides."""

    kind: ClassVar[str] = "reseller_asked"
    application_id: UUID
    question_id: UUID
