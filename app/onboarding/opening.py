"""A new reseller's site, ready to be looked at: tenant, look, plan, commission, owner."""

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app import audit, branding, commissions, identity, pricing, tenancy
from app.branding import BrandTokens, PictureSet
from app.identity import Realm
from app.onboarding.models import ResellerApplication
from app.onboarding.rules import SignUpTerms
from app.tenancy import PlatformScope, StateCause, Tenant, TenantScope, TenantState, TrialTerms


def open_site(
    session: Session,
    scope: PlatformScope,
    found: ResellerApplication,
    *,
    terms: SignUpTerms,
    now: datetime,
    logo: PictureSet | None = None,
) -> Tenant:
    """Make a reseller on trial of a confirmed sign-up, in the caller's transaction.

    Refuses a slug that is taken and a plan that is not there.
    """
    ends_at = now + timedelta(days=terms.trial_days)
    trial = TrialTerms(ends_at, terms.trial_customers, terms.top_up_minor)
    tenant = tenancy.add_reseller(session, scope, slug=found.slug, name=found.company, trial=trial)
    tenancy.note_change(
        session, tenant, cause=StateCause.TRIAL_BEGUN, before=TenantState.TRIAL, now=now
    )
    mine = TenantScope(tenant.id, scope.sign_in)
    founder = identity.add_founder(
        session,
        scope,
        reseller=mine,
        email=found.email,
        name=found.name,
        password_hash=found.password_hash or "",
    )
    actor = audit.Actor(Realm.STAFF.value, founder.id)
    _dress(session, mine, found, logo=logo, now=now, actor=actor)
    _sell(session, scope, tenant, terms=terms, now=now)
    audit.record(
        session,
        tenant.id,
        actor=actor,
        action="onboarding.trial_begun",
        subject_id=tenant.id,
        facts={"terms": found.terms_version, "data_processing": found.data_processing_version},
    )
    return tenant


def _dress(
    session: Session,
    mine: TenantScope,
    found: ResellerApplication,
    *,
    logo: PictureSet | None,
    now: datetime,
    actor: audit.Actor,
) -> None:
    """Give the site her name, colour, logo and language; her own address stands nowhere on it."""
    plain = branding.plain_brand(found.company)
    tokens = BrandTokens(accent=found.accent, surface=plain.tokens.surface)
    look = replace(plain, tokens=tokens, language=found.language)
    if logo is not None:
        url = branding.keep_pictures(session, mine, made=logo, now=now, actor=actor)
        look = replace(look, logo_url=url)
    branding.save_brand(session, mine, look=look, actor=actor)


def _sell(
    session: Session,
    scope: PlatformScope,
    tenant: Tenant,
    *,
    terms: SignUpTerms,
    now: datetime,
) -> None:
    offer = pricing.get_offer(session, scope, slug=terms.plan)
    pricing.sell_offer(session, scope, reseller_id=tenant.id, offer_id=offer.id, valid_from=now)
    commissions.agree_commission(
        session, scope, reseller_id=tenant.id, rate=terms.commission, valid_from=now
    )
