"""Admins, resellers, customers and usage at the command line, each through its use case."""

from datetime import timedelta
from uuid import UUID

from app import billing, identity
from app.identity import Realm, Stage
from app.kernel import now, transaction
from app.tenancy import PlatformScope, TenantScope, get_reseller
from tests.cli.conftest import Operator
from tests.factories import PASSWORD, a_reseller, unique


def _sold_by(operator: Operator) -> tuple[str, TenantScope]:
    """Set up a reseller that sells call minutes, all at the command line."""
    offer, slug = unique("offer"), unique("shop")
    for arguments in (
        ("offer", "add", offer, "--tax", "0.19", "--price", "call_minutes/minute=0.19"),
        ("reseller", "add", slug, "--name", "Shop", "--offer", offer, "--commission", "0.25"),
    ):
        result = operator.runs(*arguments)
        assert result.exit_code == 0, result.output
    with transaction(PlatformScope()) as session:
        return slug, TenantScope(get_reseller(session, PlatformScope(), slug=slug).id)


def test_a_new_admin_can_sign_in(operator: Operator) -> None:
    email = f"{unique('paula')}@example.com"

    result = operator.runs("admin", "add", email, "--name", "Paula", types=f"{PASSWORD}\n")

    scope = PlatformScope()
    with transaction(scope) as session:
        step = identity.sign_in(
            session, scope, email=email, password=PASSWORD, realm=Realm.PLATFORM,
            host="kontor.test", now=now(),
        )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert step.stage is Stage.SIGNED_IN


def test_a_password_never_appears(operator: Operator) -> None:
    email = f"{unique('paula')}@example.com"

    result = operator.runs("admin", "add", email, "--name", "Paula", types=f"{PASSWORD}\n")

    assert PASSWORD not in result.output


def test_a_reseller_is_listed_with_its_own_domain(operator: Operator) -> None:
    reseller, host = a_reseller(), f"{unique('portal')}.example"

    added = operator.runs("reseller", "host-add", reseller.slug, host)
    listed = operator.runs("reseller", "list")

    assert (added.exit_code, listed.exit_code) == (0, 0)
    assert host in listed.output


def test_a_customer_gets_a_wallet_and_somebody_who_may_sign_in(operator: Operator) -> None:
    slug, scope = _sold_by(operator)

    result = operator.runs(
        "customer", "add", "K-1", "--reseller", slug, "--name", "Café Lüdemann",
        "--email", "cafe@example.com", types=f"{PASSWORD}\n",
    )  # fmt: skip

    customer_id = UUID(result.output.strip())
    with transaction(scope) as session:
        wallet = billing.get_wallet(session, scope, customer_id=customer_id)
        balance = billing.wallet_balance(session, scope, wallet=wallet)
    assert balance.posted.minor == 0
    assert "Café Lüdemann" in operator.runs("customer", "list", "--reseller", slug).output


def test_usage_that_nobody_can_pay_for_is_refused_with_its_code(operator: Operator) -> None:
    slug, _ = _sold_by(operator)
    operator.runs("customer", "add", "K-1", "--reseller", slug, "--name", "Café Lüdemann")

    result = operator.runs(
        "usage", "post", "--reseller", slug, "--customer", "K-1", "--meter", "call_minutes",
        "--quantity", "3.5",
    )  # fmt: skip

    assert result.exit_code == 2
    assert "[billing.insufficient_funds]" in result.output


def test_usage_is_charged_once_per_id(operator: Operator) -> None:
    slug, _ = _sold_by(operator)
    operator.runs("customer", "add", "K-1", "--reseller", slug, "--name", "Café Lüdemann")
    # In whole seconds, and not before the price of this very second.
    soon = now() + timedelta(seconds=1)
    free = (
        "usage", "post", "--reseller", slug, "--customer", "K-1", "--meter", "call_minutes",
        "--quantity", "0.000001", "--id", "call-1", "--occurred-at", f"{soon:%Y-%m-%dT%H:%M:%S}",
    )  # fmt: skip

    first, second = operator.runs(*free), operator.runs(*free)

    assert "charged: 0.00 EUR" in first.output
    assert "was charged before: 0.00 EUR" in second.output


def test_a_customer_of_another_reseller_is_unknown(operator: Operator) -> None:
    slug, _ = _sold_by(operator)
    operator.runs("customer", "add", "K-1", "--reseller", slug, "--name", "Café Lüdemann")

    result = operator.runs(
        "usage", "post", "--reseller", a_reseller().slug, "--customer", "K-1",
        "--meter", "call_minutes", "--quantity", "1",
    )  # fmt: skip

    assert result.exit_code == 2
    assert "[identity.customer_not_found]" in result.output
