"""Who may do business, decided at the command line."""

from app.kernel import transaction
from app.tenancy import PlatformScope, Tenant, get_reseller, state_changes
from tests.cli.conftest import Operator
from tests.factories import a_reseller, scope_of
from tests.factories.sign_ups import a_trial, a_wish, sent

_PLATFORM = PlatformScope()


def state_of(tenant: Tenant) -> str:
    with transaction(_PLATFORM) as session:
        return get_reseller(session, _PLATFORM, slug=tenant.slug).state


def latest_note(tenant: Tenant) -> str:
    with transaction(scope_of(tenant)) as session:
        return state_changes(session, scope_of(tenant))[0].note


def test_a_trial_is_listed_and_approved_once(operator: Operator) -> None:
    tenant, application = a_trial()

    listed = operator.runs("reseller", "applications")
    first = operator.runs("reseller", "approve", tenant.slug)
    second = operator.runs("reseller", "approve", tenant.slug)
    after = operator.runs("reseller", "applications")

    assert (listed.exit_code, first.exit_code, second.exit_code) == (0, 0, 0), first.output
    assert tenant.slug in listed.output
    assert application.email in listed.output
    assert state_of(tenant) == "active"
    assert "already" in second.output
    assert tenant.slug not in after.output


def test_a_trial_is_refused_with_a_reason_and_never_without(operator: Operator) -> None:
    tenant, _ = a_trial()

    silent = operator.runs("reseller", "refuse", tenant.slug, "--reason", " ")
    before = state_of(tenant)
    refused = operator.runs("reseller", "refuse", tenant.slug, "--reason", "No such company.")

    assert (silent.exit_code, before) == (2, "trial")
    assert "[onboarding.note_missing]" in silent.output
    assert (refused.exit_code, state_of(tenant)) == (0, "refused")
    assert latest_note(tenant) == "No such company."


def test_a_reseller_is_suspended_and_resumed(operator: Operator) -> None:
    tenant = a_reseller()

    suspended = operator.runs("reseller", "suspend", tenant.slug, "--reason", "Unpaid.")
    between = (state_of(tenant), latest_note(tenant))
    resumed = operator.runs("reseller", "resume", tenant.slug)

    assert (suspended.exit_code, *between) == (0, "suspended", "Unpaid.")
    assert (resumed.exit_code, state_of(tenant)) == (0, "active")


def test_who_has_not_confirmed_is_listed_with_the_link(operator: Operator) -> None:
    wish = a_wish()
    sent(wish)

    listed = operator.runs("reseller", "applications", "--unconfirmed")

    assert listed.exit_code == 0, listed.output
    after = listed.output.partition(wish.slug)[2]
    assert "/signup/confirm/" in after
