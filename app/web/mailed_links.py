"""What pages behind mailed links share: reading the token, and saying why a link is no good."""

from __future__ import annotations

from uuid import UUID

from flask import Response, render_template
from flask.typing import ResponseReturnValue

from app.edge import STATUS, current_edge
from app.identity import LinkRefusedError, LinkUnknownError, read_link_token
from app.web.words import gettext as _


def link_id_of(token: str) -> UUID:
    """Return which link a token was made for; refuses anything else."""
    link_id = read_link_token(current_edge().options.secret_key, token)
    if link_id is None:
        raise LinkUnknownError
    return link_id


def refused_link(refused: LinkRefusedError, *, again_url: str, again: str) -> ResponseReturnValue:
    """Say why a link cannot be used and lead to where it goes on."""
    page = render_template(
        "door/link_refused.html", reason=_(refused.text), again_url=again_url, again=again
    )
    return page, STATUS[refused.kind].value


def never_keep(response: Response) -> Response:
    """Keep pages whose address is a secret out of every cache."""
    response.headers["Cache-Control"] = "private, no-store"
    return response
