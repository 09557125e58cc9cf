"""What row-level security alone keeps apart, without a line of ours in between (requirement A5)."""

from __future__ import annotations

import psycopg
import pytest
import sqlalchemy.exc
from sqlalchemy import text

from app.identity import Realm
from app.kernel import new_id, transaction
from app.notifications import MessageKind, choose_messages
from app.tenancy import TenantScope
from tests.conftest import Database
from tests.factories import a_reseller
from tests.notifications.posted import a_domain, queue

ME = "current_setting('app.reseller_id')::uuid"
TABLES = ("messages", "message_deliveries", "notification_preferences", "sending_domains")


def a_tenant_with_everything() -> TenantScope:
    reseller = a_reseller()
    scope = TenantScope(reseller.id)
    queue(reseller)
    a_domain(scope)
    with transaction(scope) as session:
        choose_messages(
            session,
            scope,
            realm=Realm.CUSTOMER,
            user_id=new_id(),
            wanted={MessageKind.LOW_BALANCE},
        )
    return scope


@pytest.mark.parametrize("table", TABLES)
def test_a_tenant_reads_its_own_rows_alone(connected: Database, table: str) -> None:
    own, stranger = a_tenant_with_everything(), a_tenant_with_everything()

    with transaction(own) as session:
        seen = set(session.scalars(text(f"SELECT reseller_id FROM {table}")))  # noqa: S608 - ours

    assert own.reseller_id in seen
    assert stranger.reseller_id not in seen


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM messages",
        "UPDATE messages SET address = 'x'",
        "DELETE FROM message_deliveries",
        "UPDATE sending_domains SET state = 'verified'",
        "INSERT INTO sending_domains VALUES (ME, 'x.example', 's', '', '', 'verified')",
        "INSERT INTO balance_watches VALUES (ME, gen_random_uuid(), gen_random_uuid(), now())",
    ],
)
def test_a_site_cannot_do_what_is_not_its_own(connected: Database, statement: str) -> None:
    own = a_tenant_with_everything()

    with pytest.raises(sqlalchemy.exc.ProgrammingError) as refused, transaction(own) as session:
        session.execute(text(statement.replace("ME", ME)))

    assert isinstance(refused.value.orig, psycopg.errors.InsufficientPrivilege)
