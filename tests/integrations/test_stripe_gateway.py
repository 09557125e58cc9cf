import pytest

from app.integrations.stripe_gateway import StripeGateway


@pytest.mark.parametrize(
    ("key", "is_live"),
    [
        ("sk_live_1", True),
        ("rk_live_1", True),
        ("sk_test_1", False),
        ("rk_test_1", False),
        ("sk_test_sandbox", False),
    ],
)
def test_the_key_says_whether_money_is_real(key: str, is_live: bool) -> None:  # noqa: FBT001 - a case
    gateway = StripeGateway(secret_key=key, webhook_secret="whsec_of_nobody")

    assert gateway.is_live is is_live
