"""Every setting, from the environment, typed; nothing else reads the environment."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

MINIMUM_SECRET_LENGTH = 32
MINIMUM_TOKEN_LENGTH = 16
# The sandbox's key; it opens nothing, and Stripe itself refuses it.
SANDBOX_STRIPE_KEY = "sk_test_sandbox"


class Mode(Enum):
    """`demo` accepts weak secrets and runs on http; `production` does neither."""

    DEMO = "demo"
    PRODUCTION = "production"


class WeakSecretError(ValueError):
    """A secret is missing, short or well known."""


class MissingTermsError(ValueError):
    """Sign-up is open, and there is nothing to accept."""


class Settings(BaseSettings):
    """One process's settings; the names are those of the environment, in upper case."""

    model_config = SettingsConfigDict(env_file=None, extra="ignore", frozen=True)

    kontor_mode: Mode = Field(Mode.PRODUCTION, description="`demo` alone accepts weak secrets")
    platform_domain: str = Field("kontor.localhost", description="host of the platform's own site")
    public_port: int | None = Field(None, description="port in public addresses; none behind nginx")
    secret_key: SecretStr = Field(SecretStr(""), description="signs sessions, seals second factors")

    database_url: SecretStr = Field(SecretStr(""), description="signs in as kontor_app")
    database_platform_url: SecretStr = Field(
        SecretStr(""), description="signs in as kontor_platform"
    )
    database_owner_url: SecretStr = Field(
        SecretStr(""), description="owner of the schema; `kontor db` alone needs it"
    )
    database_pool_size: int = Field(5, ge=1, description="connections per role and process")
    redis_url: SecretStr = Field(SecretStr(""), description="redis:// or unix://")

    stripe_secret_key: SecretStr = Field(SecretStr(SANDBOX_STRIPE_KEY), description="Stripe's key")
    stripe_webhook_secret: SecretStr = Field(
        SecretStr(""), description="checks deliveries; `whsec_…`"
    )
    stripe_api_base: str = Field("", description="empty: Stripe itself; else the sandbox")

    session_hours: int = Field(12, ge=1, description="a signed-in session ends after this long")
    trusted_proxies: int = Field(0, ge=0, le=3, description="nginx in front: 1")
    metrics_token: SecretStr = Field(SecretStr(""), description="bearer token for /metrics")
    log_json: bool = Field(True, description="structured logs as JSON; else for people")
    rate_limit_sign_in: str = Field("10 per minute", description="per address and site")
    rate_limit_billing: str = Field("30 per minute", description="per user, /portal/billing")
    rate_limit_webhook: str = Field("6000 per minute", description="per address, /billing/webhook")
    rate_limit_api: str = Field(
        "6000 per minute", description="per API key; a refused one counts for its address"
    )
    head_file: Path = Field(
        Path("var/kontor/heads.jsonl"),
        description="signed heads of the books, outside the database; its key lies beside it",
    )
    smtp_url: SecretStr = Field(
        SecretStr(""), description="smtp://user:password@host:587?starttls or smtps://…"
    )
    mail_from: str = Field("", description="platform's own sender; empty: no-reply@ its domain")
    bounce_address: str = Field(
        "", description="takes reports as local+token@domain; empty: they go to MAIL_FROM"
    )
    message_days: int = Field(180, ge=1, description="messages and their log are kept so long")
    call_record_days: int = Field(90, ge=1, description="third parties' numbers are kept so long")

    sign_up_plan: str = Field(
        "", description="plan that a new reseller sells; none: nobody can sign up"
    )
    sign_up_commission: Decimal = Field(
        Decimal("0.20"), ge=0, le=1, description="a new reseller's part of the net price"
    )
    sign_up_terms_url: str = Field("", description="terms that a new reseller accepts")
    sign_up_terms_version: str = Field("1", description="what is recorded of them")
    sign_up_data_processing_url: str = Field(
        "", description="agreement on data processing that a new reseller accepts"
    )
    sign_up_data_processing_version: str = Field("1", description="what is recorded of it")
    sign_ups_per_address: int = Field(3, ge=1, description="of one e-mail address, a day")
    sign_ups_per_domain: int = Field(
        10, ge=1, description="of one company's mail domain, a day; public mailboxes apart"
    )
    trial_days: int = Field(30, ge=1, description="a trial that nobody approves is closed then")
    trial_customers: int = Field(10, ge=0, description="most customers of a reseller on trial")
    trial_top_up: int = Field(
        5000, ge=0, description="most that one top-up may be on trial, in cents; never real money"
    )
    rate_limit_sign_up: str = Field("20 per hour", description="per address, sign-ups of resellers")
    rate_limit_name_check: str = Field(
        "120 per minute", description="per address, names tried while signing up"
    )

    @model_validator(mode="after")
    def _refuse_sign_up_without_terms(self) -> Self:
        texts = (self.sign_up_terms_url, self.sign_up_data_processing_url)
        if self.sign_up_plan and not all(texts):
            raise MissingTermsError(
                "SIGN_UP_PLAN needs SIGN_UP_TERMS_URL and SIGN_UP_DATA_PROCESSING_URL: "
                "nobody can accept what is not there"
            )
        return self

    @model_validator(mode="after")
    def _refuse_weak_secrets(self) -> Self:
        if self.kontor_mode is Mode.DEMO:
            return self
        secret = self.secret_key.get_secret_value()
        if len(secret) < MINIMUM_SECRET_LENGTH:
            raise WeakSecretError(
                f"SECRET_KEY must have at least {MINIMUM_SECRET_LENGTH} characters: "
                "python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"
            )
        if len(set(secret)) < MINIMUM_SECRET_LENGTH // 4:
            raise WeakSecretError("SECRET_KEY repeats itself: make a random one")
        for name in ("metrics_token", "stripe_webhook_secret"):
            if 0 < len(getattr(self, name).get_secret_value()) < MINIMUM_TOKEN_LENGTH:
                raise WeakSecretError(
                    f"{name.upper()} must have at least {MINIMUM_TOKEN_LENGTH} characters, or none"
                )
        return self

    @property
    def sandboxed(self) -> bool:
        """True where payments go to the built-in sandbox instead of Stripe."""
        return bool(self.stripe_api_base)

    @property
    def secure(self) -> bool:
        """True where sites are served by https."""
        return self.public_port is None

    def address(self, host: str) -> str:
        """Return the public address of a site's host, without a slash at the end."""
        if self.public_port is None:
            return f"https://{host}"
        return f"http://{host}:{self.public_port}"
