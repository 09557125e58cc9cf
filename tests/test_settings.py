import pytest
from pydantic import ValidationError

from app.settings import Mode, Settings

STRONG = "k3y-0f-th3-t3sts-w1th-en0ugh-d1ff3rent-characters"
WEAK = ["", "change-me", "short", "a" * 64, "abc" * 20, "x" * 31]


@pytest.mark.parametrize("secret", WEAK)
def test_a_weak_secret_key_is_refused_outside_the_demo(secret: str) -> None:
    with pytest.raises(ValidationError, match="SECRET_KEY"):
        Settings.model_validate({"secret_key": secret})


@pytest.mark.parametrize("secret", ["demo", STRONG])
def test_the_demo_takes_any_secret_key(secret: str) -> None:
    settings = Settings.model_validate({"secret_key": secret, "kontor_mode": Mode.DEMO})

    assert settings.secret_key.get_secret_value() == secret


def test_a_strong_secret_key_is_taken_and_never_shown() -> None:
    settings = Settings.model_validate({"secret_key": STRONG})

    assert STRONG not in repr(settings)


@pytest.mark.parametrize("name", ["metrics_token", "stripe_webhook_secret"])
def test_a_weak_token_is_refused_outside_the_demo(name: str) -> None:
    with pytest.raises(ValidationError, match=name.upper()):
        Settings.model_validate({"secret_key": STRONG, name: "secret"})
