from pathlib import Path

import pytest
from pydantic import SecretStr

from app.cli.configuration import (
    child_environment,
    read_settings,
    settings_or,
    write_environment,
    write_secretly,
)
from app.cli.errors import SettingMissingError, SettingsRefusedError
from app.cli.secret_keeping import keep_api_key, kept_secrets
from app.settings import Mode

URL = "postgresql://kontor_app:p%20w$HOME@/kontor?host=%2Ftmp%2Fa"


def test_settings_survive_their_file_unchanged(tmp_path: Path) -> None:
    settings = settings_or(kontor_mode=Mode.DEMO, database_url=URL, public_port=8000)

    read = read_settings(write_environment(tmp_path, settings))

    assert read == settings
    assert read.database_url.get_secret_value() == URL


def test_only_we_can_read_the_file_of_settings(tmp_path: Path) -> None:
    path = write_environment(tmp_path, settings_or(kontor_mode=Mode.DEMO))

    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_outweighs_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_environment(tmp_path, settings_or(kontor_mode=Mode.DEMO, redis_url="unix:///a"))
    monkeypatch.setenv("REDIS_URL", "unix:///b")

    read = read_settings(path)

    assert read.redis_url.get_secret_value() == "unix:///a"


def test_the_environment_outweighs_what_we_would_fill_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REDIS_URL", "unix:///b")

    settings = settings_or(kontor_mode=Mode.DEMO, redis_url="unix:///a", database_url=URL)

    assert settings.redis_url.get_secret_value() == "unix:///b"
    assert settings.database_url.get_secret_value() == URL


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingMissingError, match="nothing was started there yet"):
        read_settings(tmp_path / "environment")


def test_a_bad_value_is_named_and_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLIC_PORT", "s3cret")

    with pytest.raises(SettingsRefusedError) as refused:
        settings_or(kontor_mode=Mode.DEMO)

    assert "PUBLIC_PORT" in refused.value.message
    assert "s3cret" not in refused.value.message


def test_a_child_sees_its_settings_and_nothing_that_lies_about(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GUNICORN_CMD_ARGS", "--preload")
    settings = settings_or(kontor_mode=Mode.DEMO)

    environment = child_environment(settings.model_copy(update={"secret_key": SecretStr("k")}))

    assert environment["SECRET_KEY"] == "k"
    assert "GUNICORN_CMD_ARGS" not in environment


def test_secrets_are_made_once_and_for_us_alone(tmp_path: Path) -> None:
    first = kept_secrets(tmp_path)
    keep_api_key(tmp_path, "nordlicht", "kk_1")

    second = kept_secrets(tmp_path)

    assert second.secret_key == first.secret_key
    assert second.api_keys == {"nordlicht": "kk_1"}
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_a_secret_file_never_keeps_the_rights_of_an_older_one(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    path.write_text("old")
    path.chmod(0o644)

    write_secretly(path, "new")

    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new", 0o600)
