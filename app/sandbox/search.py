"""Search by metadata and a few fields, in the part of Stripe's query language that is used.

Stripe's own index lags behind by up to a minute; the sandbox finds what was just written.
"""

import json
import re

from app.sandbox.errors import InvalidParameterError
from app.sandbox.json_types import Json
from app.sandbox.parameters import Params
from app.sandbox.store import Argument, Transaction

_CLAUSE = re.compile(
    r"""\s*(?P<not>-)?
    (?:metadata\[(?P<mark>['"])(?P<key>.+?)(?P=mark)\]|(?P<field>[a-z_]+))
    \s*:\s*(?:(?P<quote>['"])(?P<value>(?:\\.|(?!(?P=quote))[^\\])*)(?P=quote)|(?P<number>\d+))
    (?:\s+AND(?=\s)|\s*$)""",
    re.VERBOSE,
)
_FIELDS = frozenset({"amount", "currency", "customer", "email", "name", "status"})


def search(tx: Transaction, params: Params, kind: str, url: str) -> Json:
    """Return the objects that match `query`, newest first."""
    params.only("query", "limit", "page")
    query = params.need_text("query")
    sql, arguments = _compiled(query)
    limit = min(params.integer("limit") or 10, 100)
    start = params.integer("page") or 0
    rows = tx.rows(
        # Only texts of ours are in `sql`; values are bound.
        f"SELECT body FROM objects WHERE kind = ? AND {sql} ORDER BY seq DESC LIMIT ? OFFSET ?",  # noqa: S608
        kind,
        *arguments,
        limit + 1,
        start,
    )
    has_more = len(rows) > limit
    return {
        "object": "search_result",
        "data": [dict(json.loads(row["body"])) for row in rows[:limit]],
        "has_more": has_more,
        "next_page": str(start + limit) if has_more else None,
        "url": url,
    }


def _compiled(query: str) -> tuple[str, list[Argument]]:
    clauses: list[str] = []
    arguments: list[Argument] = []
    position = 0
    while position < len(query):
        match = _CLAUSE.match(query, position)
        if match is None or (match["field"] is not None and match["field"] not in _FIELDS):
            raise InvalidParameterError(
                f"We were unable to parse your search query near '{query[position:][:20]}'.",
                param="query",
            )
        position = match.end()
        value = match["number"] or re.sub(r"\\(.)", r"\1", match["value"] or "")
        negation = "NOT " if match["not"] else ""
        if match["field"] is not None:
            clauses.append(f"{negation}CAST(json_extract(body, '$.{match['field']}') AS TEXT) IS ?")
            arguments.append(value)
        else:
            clauses.append(
                f"{negation}EXISTS (SELECT 1 FROM json_each(objects.body, '$.metadata') m"  # noqa: S608
                " WHERE m.key = ? AND m.value = ?)"
            )
            arguments += [match["key"], value]
    return " AND ".join(clauses), arguments
