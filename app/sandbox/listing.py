"""Pages of objects: `limit`, `starting_after`, `ending_before`, `created[gte]`, equal fields."""

import json
from collections.abc import Mapping, Sequence

from app.sandbox.errors import InvalidParameterError
from app.sandbox.json_types import Json
from app.sandbox.parameters import Params
from app.sandbox.store import Argument, Transaction

PAGING = ("limit", "starting_after", "ending_before")

Condition = tuple[str, tuple[Argument, ...]]

_COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_LARGEST = 100


def page(
    tx: Transaction,
    params: Params,
    kind: str,
    url: str,
    *,
    equal: Mapping[str, str | None] | None = None,
    conditions: Sequence[Condition] = (),
) -> Json:
    """Return one page of objects of a kind, newest first.

    `equal` maps a path inside the object to the value it must have; None does not filter.
    """
    limit = _limit(params)
    wanted: list[Condition] = [("kind = ?", (kind,)), *conditions, *_created(params)]
    # The paths in `equal` are literals of ours, never input.
    wanted += [
        (f"json_extract(body, '$.{path}') = ?", (value,))
        for path, value in (equal or {}).items()
        if value is not None
    ]
    is_backwards = params.text("ending_before") is not None
    wanted += _cursor(tx, params, kind)
    where = " AND ".join(sql for sql, _ in wanted)
    arguments = [argument for _, given in wanted for argument in given]
    order = "ASC" if is_backwards else "DESC"
    rows = tx.rows(
        f"SELECT body FROM objects WHERE {where} ORDER BY seq {order} LIMIT ?",  # noqa: S608 - see above
        *arguments,
        limit + 1,
    )
    things = [dict(json.loads(row["body"])) for row in rows[:limit]]
    return {
        "object": "list",
        "data": things[::-1] if is_backwards else things,
        "has_more": len(rows) > limit,
        "url": url,
    }


def whole(things: Sequence[Json], url: str) -> Json:
    """Return a list object that holds everything there is."""
    return {"object": "list", "data": list(things), "has_more": False, "url": url}


def _limit(params: Params) -> int:
    limit = params.integer("limit")
    if limit is None:
        return 10
    if limit > _LARGEST:
        raise InvalidParameterError(
            f"This value must be less than or equal to 100 (it currently is '{limit}').",
            param="limit",
        )
    if limit < 1:
        raise InvalidParameterError(
            "This value must be greater than or equal to 1.",
            code="parameter_invalid_integer",
            param="limit",
        )
    return limit


def _cursor(tx: Transaction, params: Params, kind: str) -> list[Condition]:
    found: list[Condition] = []
    for name, comparison in (("starting_after", "<"), ("ending_before", ">")):
        object_id = params.text(name)
        if object_id is not None:
            tx.referred(kind, object_id, name)
            found.append(
                (f"seq {comparison} (SELECT seq FROM objects WHERE id = ?)", (object_id,))  # noqa: S608 - literals
            )
    return found


def _created(params: Params) -> list[Condition]:
    if isinstance(params.values.get("created"), str):
        return [("created = ?", (params.integer("created"),))]
    bounds = params.nested("created")
    bounds.only(*_COMPARISONS)
    return [(f"created {_COMPARISONS[name]} ?", (bounds.integer(name),)) for name in bounds.values]
