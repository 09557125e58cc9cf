from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from pathlib import Path

from app.onboarding import SignUpTerms


class Allowance(Enum):
    """What is counted against a rate limit; `EdgeOptions.allowances` says how much is free."""

    SIGN_IN = "sign_in"
    BILLING = "billing"
    WEBHOOK = "webhook"
    API = "api"
    SIGN_UP = "sign_up"
    NAME_CHECK = "name_check"


@dataclass(frozen=True, slots=True)
class EdgeOptions:
    """What the edge must know of the settings; `factory` fills it."""

    platform_domain: str
    public_port: int | None
    secret_key: str
    is_secure: bool
    session_lifetime: timedelta
    trusted_proxies: int
    redis_url: str
    checkout_origin: str
    metrics_token: str
    themes: Path
    allowances: Mapping[Allowance, str]
    sign_up: SignUpTerms
