import json
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result

from app.audit import AuditRecord
from app.billing import Wallet, WalletFrozenError
from app.cli.ledger import ledger
from app.embedded import PostgresServer
from app.kernel import transaction
from app.ledger import HeadsLostError
from app.tenancy import PlatformScope
from tests.conftest import Database
from tests.factories.books import roll_up
from tests.factories.databases import a_database_of_its_own, connected_to
from tests.factories.money import a_settled_top_up, a_wallet, charge, funds_of, scope_of_wallet


@pytest.fixture
def own(cluster: PostgresServer, connected: Database) -> Iterator[Database]:
    with a_database_of_its_own(cluster) as database, connected_to(database):
        yield database


@pytest.fixture(autouse=True)
def heads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the command keeps the exported heads."""
    file = tmp_path / "heads.jsonl"
    for name, value in {"KONTOR_MODE": "demo", "HEAD_FILE": str(file), "COLUMNS": "200"}.items():
        monkeypatch.setenv(name, value)
    return file


def verify(*options: str) -> Result:
    return CliRunner().invoke(ledger, ["verify", *options])


def corrupt(database: Database, wallet: Wallet) -> None:
    with psycopg.connect(database.owner_url) as owner:
        owner.execute(
            "UPDATE ledger_balances SET posted = posted + 1 WHERE account_id = %s",
            [wallet.account_id],
        )


def state_of(wallet: Wallet) -> str:
    scope = scope_of_wallet(wallet)
    with transaction(scope) as session:
        return session.get_one(Wallet, (wallet.reseller_id, wallet.id)).state


def test_clean_books_end_with_zero(own: Database) -> None:
    charge(a_wallet())

    result = verify()

    assert result.exit_code == 0
    assert "balance-is-transfers" in result.stdout
    assert "laws hold" in result.stdout


def test_broken_books_end_with_one_and_say_what_to_look_for(own: Database) -> None:
    wallet = a_wallet()
    corrupt(own, wallet)

    result = verify()

    assert result.exit_code == 1
    assert "laws are broken" in result.stdout
    assert str(wallet.account_id) in result.stdout
    assert state_of(wallet) == "active"


def test_json_has_every_law_and_every_id(own: Database) -> None:
    wallet = a_wallet()
    corrupt(own, wallet)

    result = verify("--json")

    report = json.loads(result.stdout)
    laws = {law["name"]: law for law in report["checks"]}
    assert (result.exit_code, report["clean"], report["frozen_wallets"]) == (1, False, [])
    assert laws["balance-is-transfers"]["broken"] == [str(wallet.account_id)]
    assert laws["floor"] == {
        "name": "floor",
        "description": laws["floor"]["description"],
        "examined": 1,
        "broken": [],
    }


def test_freeze_stops_the_wallet_in_doubt_and_no_other(own: Database) -> None:
    wallet, neighbour = a_wallet(), a_wallet()
    corrupt(own, wallet)

    first, second = verify("--freeze", "--json"), verify("--freeze", "--json")

    assert (first.exit_code, second.exit_code) == (1, 1)
    assert json.loads(first.stdout)["frozen_wallets"] == [str(wallet.id)]
    assert json.loads(second.stdout)["frozen_wallets"] == []
    with pytest.raises(WalletFrozenError):
        charge(wallet)
    assert charge(neighbour).replayed is False


def test_a_frozen_wallet_still_takes_money_in(own: Database) -> None:
    wallet = a_wallet(5_000)
    corrupt(own, wallet)
    verify("--freeze")

    a_settled_top_up(wallet, 1_000)

    assert (state_of(wallet), funds_of(wallet)) == ("frozen", 6_001)


def test_freezing_is_written_down_with_its_reason(own: Database) -> None:
    wallet = a_wallet()
    corrupt(own, wallet)

    verify("--freeze")

    with transaction(PlatformScope()) as session:
        records = session.query(AuditRecord).filter_by(action="wallet.frozen").all()
    assert [record.subject_id for record in records] == [wallet.id]
    assert records[0].facts["reason"] in {"balance-is-transfers", "balance-is-last-posting"}


def export_head(*options: str) -> Result:
    return CliRunner().invoke(ledger, ["export-head", *options])


def test_fast_looks_only_at_what_is_new(own: Database) -> None:
    wallet = a_wallet()
    roll_up(wallet.reseller_id)
    whole = json.loads(verify("--json").stdout)
    charge(wallet)

    result = verify("--fast", "--json")

    report = json.loads(result.stdout)
    examined = {law["name"]: law["examined"] for law in report["checks"]}
    assert (result.exit_code, whole["clean"], report["clean"]) == (0, True, True)
    assert examined["entry-moves-or-marks"] == 1
    assert "zero-sum" not in examined


def test_fast_finds_and_freezes_a_wallet_in_doubt(own: Database) -> None:
    wallet = a_wallet()
    verify()
    charge(wallet)
    corrupt(own, wallet)

    result = verify("--fast", "--freeze", "--json")

    assert result.exit_code == 1
    assert json.loads(result.stdout)["frozen_wallets"] == [str(wallet.id)]
    assert state_of(wallet) == "frozen"


def test_a_broken_seal_and_a_strange_head_are_named_with_book_and_line(
    own: Database, heads: Path
) -> None:
    wallet = a_wallet()
    roll_up(wallet.reseller_id)
    export_head()
    with psycopg.connect(own.owner_url) as owner:
        owner.execute("UPDATE ledger_seals SET seal_hash = sha256(seal_hash)")

    result = verify()

    assert result.exit_code == 1
    assert f"seal 1 of book {wallet.reseller_id}" in result.stdout
    assert f"line 1: seal 1 of book {wallet.reseller_id}" in result.stdout


def test_heads_are_exported_once_to_a_file_for_us_alone(own: Database, heads: Path) -> None:
    roll_up(a_wallet().reseller_id)

    first, second = export_head(), export_head()

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert first.stdout == f"Line 1 written to {heads}.\n"
    assert second.stdout == "No book has new seals.\n"
    assert heads.read_text().count("\n") == 1
    assert heads.stat().st_mode & 0o777 == 0o600
    assert verify().exit_code == 0


def test_the_public_key_is_printed_and_nothing_exported(own: Database, heads: Path) -> None:
    roll_up(a_wallet().reseller_id)

    first, second = export_head("--public-key"), export_head("--public-key")

    assert len(b64decode(first.stdout)) == 32
    assert second.stdout == first.stdout
    assert not heads.exists()


def test_an_edited_file_is_found_by_its_line(own: Database, heads: Path) -> None:
    roll_up(a_wallet().reseller_id)
    export_head()
    heads.write_text(heads.read_text().replace('"time":"20', '"time":"19'))

    result = verify("--json")

    laws = {law["name"]: law["broken"] for law in json.loads(result.stdout)["checks"]}
    assert result.exit_code == 1
    assert laws["head-is-signed"] == ["line 1"]


def test_lost_heads_stop_the_export_until_it_starts_over(own: Database, heads: Path) -> None:
    wallet = a_wallet()
    roll_up(wallet.reseller_id)
    export_head()
    heads.unlink()

    refused, broken = export_head(), verify()
    again = export_head("--start-over")

    assert isinstance(refused.exception, HeadsLostError)
    assert broken.exit_code == 1
    assert again.stdout.startswith("Line 1 written")
    assert verify().exit_code == 0
