"""How many rows every table of ours has: a refusal must not change one of them."""

import psycopg
from psycopg import sql

_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"


def rows_of_all_tables(owner_url: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    with psycopg.connect(owner_url) as owner:
        for (table,) in owner.execute(_TABLES).fetchall():
            query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
            found = owner.execute(query).fetchone()
            counts[table] = found[0] if found else 0
    return counts
