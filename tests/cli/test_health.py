from app.kernel import cursor, transaction
from app.tenancy import PlatformScope
from tests.cli.conftest import Operator


def _beat(*, seconds_ago: int) -> None:
    with transaction(PlatformScope()) as session:
        cursor(session).execute(b"DELETE FROM procrastinate.procrastinate_workers")
        cursor(session).execute(
            b"INSERT INTO procrastinate.procrastinate_workers (last_heartbeat)"
            b" VALUES (now() - make_interval(secs => %s))",
            [seconds_ago],
        )


def test_health_is_well_while_a_worker_beats(operator: Operator) -> None:
    _beat(seconds_ago=1)

    result = operator.runs("health")

    assert result.exit_code == 0, result.output


def test_health_is_not_well_without_a_beat(operator: Operator) -> None:
    _beat(seconds_ago=60)

    result = operator.runs("health")

    assert result.exit_code == 1
    assert "No worker" in result.output


def test_health_names_the_part_that_does_not_answer(operator: Operator) -> None:
    _beat(seconds_ago=1)

    result = operator.runs("health", REDIS_URL="redis://127.0.0.1:1/0")

    assert result.exit_code == 1
    assert "redis" in result.output
    assert "not well" in result.output
