"""How somebody becomes a reseller: sign-up, confirmation, trial, decision of the platform."""

from app.onboarding.errors import (
    AcceptanceMissingError,
    CompanyRefusedError,
    CountryRefusedError,
    NoteMissingError,
    SignUpClosedError,
    SignUpNotFoundError,
)
from app.onboarding.events import (
    QuestionAsked,
    ResellerDecided,
    SignUpMade,
    TrialBegun,
    TrialEnding,
)
from app.onboarding.models import ApplicationState, ResellerApplication, ResellerQuestion
from app.onboarding.queue import (
    Waiting,
    application_of,
    count_waiting,
    find_application,
    list_decided,
    list_unconfirmed,
    list_waiting,
)
from app.onboarding.review import (
    answer_question,
    approve,
    ask_back,
    list_questions,
    refuse,
)
from app.onboarding.rules import COUNTRIES, LINK_LIFETIME, SignUpTerms, require_note
from app.onboarding.sign_ups import (
    SignUp,
    confirm_sign_up,
    find_sign_up,
    require_free_name,
    sign_up,
    suggest_name,
)
from app.onboarding.trials import close_trials, forget_sign_ups, remind_of_trials

__all__ = [
    "COUNTRIES",
    "LINK_LIFETIME",
    "AcceptanceMissingError",
    "ApplicationState",
    "CompanyRefusedError",
    "CountryRefusedError",
    "NoteMissingError",
    "QuestionAsked",
    "ResellerApplication",
    "ResellerDecided",
    "ResellerQuestion",
    "SignUp",
    "SignUpClosedError",
    "SignUpMade",
    "SignUpNotFoundError",
    "SignUpTerms",
    "TrialBegun",
    "TrialEnding",
    "Waiting",
    "answer_question",
    "application_of",
    "approve",
    "ask_back",
    "close_trials",
    "confirm_sign_up",
    "count_waiting",
    "find_application",
    "find_sign_up",
    "forget_sign_ups",
    "list_decided",
    "list_questions",
    "list_unconfirmed",
    "list_waiting",
    "refuse",
    "remind_of_trials",
    "require_free_name",
    "require_note",
    "sign_up",
    "suggest_name",
]
