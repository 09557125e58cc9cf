"""Two walls between tenants (requirement A5), each proved with the other one taken away."""

from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import select

from app.audit import AuditRecord
from app.identity import (
    CustomerNotFoundError,
    CustomerState,
    Realm,
    assign_subject,
    find_api_key,
    find_customers,
    find_signed_in,
    get_customer,
    list_api_keys,
    list_customer_users,
    list_customers,
    list_subjects,
    remove_customer_user,
    set_customer_state,
    sign_in,
)
from app.kernel import SignIn, now, transaction
from app.tenancy import PLATFORM_ID, Tenant, TenantScope
from tests.conftest import Database
from tests.factories import (
    PASSWORD,
    a_customer,
    a_customer_user,
    a_reseller,
    a_staff_user,
    an_api_key,
    scope_of,
    unique,
)

WITHOUT_SECOND_WALL = SignIn.PLATFORM


@pytest.fixture(scope="module")
def two(connected: Database) -> tuple[Tenant, Tenant]:
    return a_reseller(), a_reseller()


def unwalled(reseller: Tenant) -> TenantScope:
    """The reseller's scope under the sign-in that row-level security lets see everything."""
    return TenantScope(reseller.id, WITHOUT_SECOND_WALL)


def test_without_the_second_wall_everything_would_be_visible(two: tuple[Tenant, Tenant]) -> None:
    mine, theirs = two
    a_customer(theirs)

    with transaction(unwalled(mine)) as session:
        seen = session.scalars(select(AuditRecord.reseller_id).distinct()).all()

    assert theirs.id in seen


def test_the_first_wall_alone_keeps_lists_apart(two: tuple[Tenant, Tenant]) -> None:
    mine, theirs = two
    a_customer(mine)
    a_customer(theirs)
    an_api_key(mine)
    an_api_key(theirs)

    with transaction(unwalled(mine)) as session:
        customers = list_customers(session, unwalled(mine))
        keys = list_api_keys(session, unwalled(mine))

    assert {each.reseller_id for each in customers} == {mine.id}
    assert {each.reseller_id for each in keys} == {mine.id}


def test_the_first_wall_alone_keeps_ids_secrets_and_tokens_apart(
    two: tuple[Tenant, Tenant],
) -> None:
    mine, theirs = two
    customer = a_customer(theirs)
    _, secret = an_api_key(theirs)
    addresses = {
        Realm.CUSTOMER: a_customer_user(customer).email,
        Realm.STAFF: a_staff_user(theirs).email,
    }

    for realm, email in addresses.items():
        with transaction(scope_of(theirs)) as session:
            token = sign_in(
                session,
                scope_of(theirs),
                realm=realm,
                email=email,
                password=PASSWORD,
                host="theirs.test",
                now=now(),
            ).token
        with transaction(unwalled(mine)) as session:
            held = find_signed_in(
                session, unwalled(mine), realm=realm, token=token, host="theirs.test", now=now()
            )
        assert held is None

    with transaction(unwalled(mine)) as session:
        assert find_api_key(session, unwalled(mine), secret=secret) is None
        with pytest.raises(CustomerNotFoundError):
            get_customer(session, unwalled(mine), customer_id=customer.id)


def test_the_first_wall_alone_keeps_subjects_apart(two: tuple[Tenant, Tenant]) -> None:
    mine, theirs = two
    customer, line = a_customer(theirs), f"line:{unique('+49')}"
    with transaction(scope_of(theirs)) as session:
        assign_subject(
            session,
            scope_of(theirs),
            subject=line,
            customer_id=customer.id,
            valid_from=now(),
            now=now(),
        )

    with transaction(unwalled(mine)) as session:
        found = find_customers(session, unwalled(mine), [(line, now())])
        listed = list_subjects(session, unwalled(mine), customer_id=customer.id)
    with transaction(unwalled(theirs)) as session:
        theirs_found = find_customers(session, unwalled(theirs), [(line, now())])

    assert (found, listed) == ([None], [])
    assert theirs_found == [customer.id]


def test_the_first_wall_alone_keeps_a_customers_people_apart(two: tuple[Tenant, Tenant]) -> None:
    mine, theirs = two
    customer = a_customer(theirs)
    user = a_customer_user(customer)

    with transaction(unwalled(mine)) as session:
        assert list_customer_users(session, unwalled(mine), customer_id=customer.id) == []
        with pytest.raises(CustomerNotFoundError):
            remove_customer_user(session, unwalled(mine), customer_id=customer.id, user_id=user.id)
        with pytest.raises(CustomerNotFoundError):
            set_customer_state(
                session, unwalled(mine), customer_id=customer.id, state=CustomerState.BLOCKED
            )
    with transaction(scope_of(theirs)) as session:
        kept = list_customer_users(session, scope_of(theirs), customer_id=customer.id)
        unblocked = get_customer(session, scope_of(theirs), customer_id=customer.id)

    assert [(each.id, each.name) for each in kept] == [(user.id, user.name)]
    assert unblocked.state == CustomerState.ACTIVE.value


# Whose rows every tenant reads beside its own: what the platform agreed for all.
FOR_EVERYBODY = {"commission_bonus_terms": {PLATFORM_ID}}


def tenant_tables(owner: psycopg.Connection[Any]) -> dict[str, str]:
    """Every table with row-level security, and its tenant column: read from the catalogue."""
    rows = owner.execute(
        "SELECT c.relname, a.attname FROM pg_class c"
        " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname IN ('reseller_id', 'book_id')"
        " WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace"
        " AND c.relrowsecurity"
    )
    return dict(rows.fetchall())


def a_row(
    owner: psycopg.Connection[Any], table: str, tenant: tuple[str, UUID], number: int
) -> psycopg.sql.Composed:
    """An INSERT of some row of the tenant: values by type, as the catalogue tells it."""
    column, tenant_id = tenant
    samples = {
        "uuid": "gen_random_uuid()",
        "text": "gen_random_uuid()::text",
        "bytea": "decode(md5(random()::text), 'hex')",
        "timestamp with time zone": "now()",
        "date": "date_trunc('month', now())::date",
        "jsonb": "'{}'::jsonb",
        "boolean": "false",
        "ARRAY": "'{}'",
    }
    columns = owner.execute(
        "SELECT column_name, data_type FROM information_schema.columns"
        " WHERE table_schema = 'public' AND table_name = %s AND is_identity = 'NO'"
        " AND is_generated = 'NEVER'",
        [table],
    ).fetchall()
    # A top-up of a wallet has a wallet; a fee that was charged was not refused; people of the
    # platform's realm are hidden whoever's row it is, and only for customers does anybody act.
    named = {"purpose": "'wallet'", "refusal": "NULL", "realm": "'customer'"}
    values = [
        sql.Literal(tenant_id)
        if name == column
        else sql.SQL(named.get(name, samples.get(kind, str(number))))
        for name, kind in columns
    ]
    return sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.Identifier(table),
        sql.SQL(", ").join(sql.Identifier(name) for name, _ in columns),
        sql.SQL(", ").join(values),
    )


def put_row(owner: psycopg.Connection[Any], table: str, tenant: tuple[str, UUID]) -> None:
    for number in (1, 0):  # some checks want a positive amount, some want shares that add up
        try:
            with owner.transaction():
                owner.execute(a_row(owner, table, tenant, number))
        except psycopg.errors.CheckViolation:
            continue
        return
    raise AssertionError(table)


def test_the_second_wall_alone_hides_every_row_of_others_in_every_table(
    two: tuple[Tenant, Tenant], connected: Database
) -> None:
    mine, theirs = two
    checked = []
    with psycopg.connect(connected.owner_url) as owner:
        # Without foreign keys and triggers, for rows that only have to be there.
        owner.execute("SET LOCAL session_replication_role = replica")
        tables = tenant_tables(owner)
        for table, column in tables.items():
            put_row(owner, table, (column, mine.id))
            put_row(owner, table, (column, theirs.id))
        foreign = {
            table: a_row(owner, table, (column, theirs.id), 1) for table, column in tables.items()
        }
        owner.execute("SET LOCAL ROLE kontor_app")

        for table, column in tables.items():
            tenants = sql.SQL("SELECT DISTINCT {} FROM {}").format(
                sql.Identifier(column), sql.Identifier(table)
            )
            owner.execute("SELECT set_config('app.reseller_id', %s, true)", [str(mine.id)])
            seen = {found for (found,) in owner.execute(tenants)}
            with pytest.raises(psycopg.errors.InsufficientPrivilege), owner.transaction():
                owner.execute(foreign[table])
            owner.execute("SELECT set_config('app.reseller_id', '', true)")
            seen_by_nobody = owner.execute(tenants).fetchall()

            assert (table, seen - FOR_EVERYBODY.get(table, set()), seen_by_nobody) == (
                table,
                {mine.id},
                [],
            )
            checked.append(table)
        owner.rollback()

    assert len(checked) >= 20


def test_the_second_wall_alone_lets_nobody_change_or_delete_others_rows(
    two: tuple[Tenant, Tenant], connected: Database
) -> None:
    mine, theirs = two
    customer = a_customer(theirs)
    user = a_customer_user(customer)

    with psycopg.connect(connected.application_url) as application:
        application.execute("SELECT set_config('app.reseller_id', %s, true)", [str(mine.id)])
        changed = application.execute(
            "UPDATE customers SET name = 'mine now' WHERE id = %s", [customer.id]
        )
        removed = application.execute("DELETE FROM customer_users WHERE id = %s", [user.id])
        ended = application.execute("DELETE FROM user_sessions WHERE reseller_id = %s", [theirs.id])

    assert (changed.rowcount, removed.rowcount, ended.rowcount) == (0, 0, 0)


def test_the_platforms_accounts_are_out_of_the_applications_reach(connected: Database) -> None:
    with psycopg.connect(connected.application_url, autocommit=True) as application:
        for table in (
            "platform_users", "platform_sessions", "platform_api_keys", "subject_owners",
        ):  # fmt: skip
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                application.execute(sql.SQL("SELECT 1 FROM {}").format(sql.Identifier(table)))
