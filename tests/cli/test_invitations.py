"""People invited at the command line, with the link printed where there is no mail."""

from app.identity import Realm, list_staff_users, read_link_token, sign_in
from app.kernel import now, transaction
from tests.apps import SECRET_KEY
from tests.cli.conftest import Operator
from tests.factories import (
    PASSWORD,
    a_custom_host,
    a_customer,
    a_platform,
    a_reseller,
    a_staff_user,
    an_api_key,
    scope_of,
    unique,
)
from tests.factories.links import links_to

SECRETS = {"SECRET_KEY": SECRET_KEY, "PLATFORM_DOMAIN": "kontor.test"}


def an_address() -> str:
    return f"{unique('kim')}@example.com"


def test_a_colleague_is_invited_with_a_link_on_the_canonical_host(operator: Operator) -> None:
    reseller, email = a_reseller(), an_address()
    host = a_custom_host(reseller).host

    asked = ("staff", "invite", reseller.slug, email, "--name", "Kim", "--role", "finance")
    silent = operator.runs(*asked, **SECRETS)
    told = operator.runs(*asked, "--print-link", **SECRETS)
    links = links_to(email, reseller=reseller)

    assert (silent.exit_code, told.exit_code) == (0, 0), told.output
    assert "https://" not in silent.output
    address = told.output.split()[-1]
    start, _, token = address.rpartition("/")
    assert start == f"https://{host}/reseller/invitation"
    assert read_link_token(SECRET_KEY, token) == links[-1].id
    assert links[0].superseded_at is not None


def test_an_admin_is_invited_listed_and_removed(operator: Operator) -> None:
    a_platform()
    email = an_address()

    invited = operator.runs("admin", "invite", email, "--name", "Kim", "--print-link", **SECRETS)
    listed = operator.runs("admin", "list")
    removed = operator.runs("admin", "remove", email)
    unknown = operator.runs("admin", "remove", email)

    assert "https://kontor.test/admin/invitation/" in invited.output
    assert email in listed.output
    assert (removed.exit_code, unknown.exit_code) == (0, 2)
    assert "[identity.user_not_found]" in unknown.output


def test_a_customers_person_is_invited_once_and_again(operator: Operator) -> None:
    reseller, email = a_reseller(), an_address()
    number = a_customer(reseller).number
    asked = (
        "customer", "user-invite", number, email, "--reseller", reseller.slug, "--name", "Kim",
        "--print-link",
    )  # fmt: skip

    first, second = operator.runs(*asked, **SECRETS), operator.runs(*asked, **SECRETS)

    slug = f"https://{reseller.slug}.kontor.test/invitation/"
    assert slug in first.output
    assert slug in second.output
    assert len(links_to(email, reseller=reseller)) == 2


def test_roles_are_changed_and_people_removed(operator: Operator) -> None:
    reseller = a_reseller()
    first, second = a_staff_user(reseller), a_staff_user(reseller)

    changed = operator.runs("staff", "role", reseller.slug, second.email, "support")
    listed = operator.runs("staff", "list", reseller.slug)
    last = operator.runs("staff", "remove", reseller.slug, first.email)
    removed = operator.runs("staff", "remove", reseller.slug, second.email)

    assert (changed.exit_code, removed.exit_code) == (0, 0)
    assert second.email in listed.output
    assert "support" in listed.output
    assert (last.exit_code, "[identity.last_owner]" in last.output) == (2, True)
    with transaction(scope_of(reseller)) as session:
        left = list_staff_users(session, scope_of(reseller))
    assert [each.email for each in left] == [first.email]


def test_a_resellers_keys_are_listed_and_ended(operator: Operator) -> None:
    reseller = a_reseller()
    key, secret = an_api_key(reseller)

    listed = operator.runs("reseller", "api-key-list", reseller.slug)
    revoked = operator.runs("reseller", "api-key-revoke", reseller.slug, str(key.id))
    after = operator.runs("reseller", "api-key-list", reseller.slug)

    assert str(key.id) in listed.output
    assert "never" in listed.output
    assert secret not in listed.output
    assert revoked.exit_code == 0
    assert "revoked" in after.output


def test_registration_is_opened_and_closed(operator: Operator) -> None:
    reseller = a_reseller()

    opened = operator.runs("reseller", "registration", reseller.slug, "open")
    closed = operator.runs("reseller", "registration", reseller.slug, "by-invitation")

    assert (opened.exit_code, closed.exit_code) == (0, 0)
    assert "open" in opened.output
    assert "by-invitation" in closed.output


def test_an_added_person_still_signs_in_with_her_typed_password(operator: Operator) -> None:
    reseller, email = a_reseller(), an_address()

    operator.runs(
        "reseller", "staff-add", reseller.slug, email, "--name", "Kim", types=f"{PASSWORD}\n"
    )

    with transaction(scope_of(reseller)) as session:
        assert sign_in(
            session, scope_of(reseller), realm=Realm.STAFF, email=email, password=PASSWORD,
            host="brand.test", now=now(),
        )  # fmt: skip
