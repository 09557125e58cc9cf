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


@pytest.mark.parametrize("given", [[], ["sign_up_terms_url"], ["sign_up_data_processing_url"]])
def test_nobody_signs_up_where_there_is_nothing_to_accept(given: list[str]) -> None:
    values = {"secret_key": STRONG, "sign_up_plan": "telefonie"} | dict.fromkeys(given, "/terms")

    with pytest.raises(ValidationError, match="SIGN_UP_TERMS_URL"):
        Settings.model_validate(values)


def test_a_sign_up_with_both_texts_is_open() -> None:
    texts = dict.fromkeys(["sign_up_terms_url", "sign_up_data_processing_url"], "/terms")

    settings = Settings.model_validate({"secret_key": STRONG, "sign_up_plan": "x", **texts})

    assert settings.sign_up_plan == "x"
