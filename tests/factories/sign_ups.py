"""Sign-ups on their way, through the product's own use cases."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from app import onboarding, pricing
from app.kernel import now, transaction
from app.onboarding import ResellerApplication, SignUp, SignUpTerms
from app.pricing import CreditPurpose
from app.tenancy import PlatformScope, Tenant, get_reseller
from tests.factories.names import unique
from tests.factories.people import PASSWORD
from tests.factories.tenants import a_platform

_PLATFORM = PlatformScope()
NAMES_OF_THE_PLATFORM = frozenset({"kontor"})


def some_terms(**changes: object) -> SignUpTerms:
    """Terms with a plan of their own, as an operator's settings make them."""
    terms = SignUpTerms(
        plan=a_plan(),
        commission=Decimal("0.2"),
        trial_days=30,
        trial_customers=2,
        top_up_minor=5_000,
        per_address=3,
        per_domain=10,
        terms_url="/terms",
        terms_version="2026-11",
        data_processing_url="/data-processing",
        data_processing_version="7",
    )
    return replace(terms, **changes)  # type: ignore[arg-type]


def a_plan() -> str:
    """The slug of a plan that can be sold."""
    slug = unique("plan")
    with transaction(_PLATFORM) as session:
        pricing.add_offer(
            session,
            _PLATFORM,
            slug=slug,
            currency="EUR",
            tax_rate=Decimal("0.19"),
            credit_purpose=CreditPurpose.SINGLE,
        )
    return slug


def a_wish(**changes: object) -> SignUp:
    """What somebody types who signs up; every one has a company and an address of her own."""
    wish = SignUp(
        company="Sonnenfunk GmbH",
        name="Sina Sommer",
        email=f"sina@{unique('sonnenfunk')}.example",
        password=PASSWORD,
        slug=unique("sonnenfunk"),
        country="DE",
        accent="#b5541c",
        language="de",
        accepts_terms=True,
        accepts_data_processing=True,
        request_key=unique("form"),
    )
    return replace(wish, **changes)  # type: ignore[arg-type]


def sent(
    wish: SignUp, terms: SignUpTerms | None = None, *, at: datetime | None = None
) -> UUID | None:
    """The id of a sign-up that is sent."""
    a_platform()
    with transaction(_PLATFORM) as session:
        return onboarding.sign_up(
            session,
            _PLATFORM,
            wish=wish,
            terms=terms or some_terms(),
            platform_names=NAMES_OF_THE_PLATFORM,
            now=at or now(),
        )


def confirmed(
    application_id: UUID | None,
    terms: SignUpTerms,
    *,
    at: datetime | None = None,
    slug: str | None = None,
) -> ResellerApplication:
    """The sign-up after its link was followed."""
    assert application_id is not None
    with transaction(_PLATFORM) as session:
        return onboarding.confirm_sign_up(
            session,
            _PLATFORM,
            application_id=application_id,
            terms=terms,
            platform_names=NAMES_OF_THE_PLATFORM,
            now=at or now(),
            slug=slug,
        )


def a_trial(
    terms: SignUpTerms | None = None, *, at: datetime | None = None, **changes: object
) -> tuple[Tenant, ResellerApplication]:
    """A reseller on trial, and the sign-up it came from."""
    agreed, wish = terms or some_terms(), a_wish(**changes)
    application = confirmed(sent(wish, agreed, at=at), agreed, at=at)
    with transaction(_PLATFORM) as session:
        return get_reseller(session, _PLATFORM, slug=application.slug), application
