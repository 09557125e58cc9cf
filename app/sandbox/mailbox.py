"""`/_sandbox/mail/`: e-mail that the sandbox took instead of sending it."""

import secrets
import time
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import partial

from flask import Blueprint, Response, abort, jsonify, render_template, request

from app.sandbox.json_types import Json
from app.sandbox.store import Store, Transaction

_SHOWN = 100
_KEPT = 2_000
# A mail's own page may style itself and open links in a new tab; it may load, run or send nothing.
_MAIL_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'self';"
    " form-action 'none'; sandbox allow-popups allow-popups-to-escape-sandbox"
)


def keep(tx: Transaction, *, sender: str, recipient: str, raw: bytes) -> None:
    """Keep a mail; the oldest of many are forgotten. Times are real: mail knows no other clock."""
    tx.run(
        "INSERT INTO mails (at, sender, recipient, raw) VALUES (?, ?, ?, ?)",
        time.time(),
        sender,
        recipient,
        raw,
    )
    tx.run("DELETE FROM mails WHERE id <= (SELECT max(id) FROM mails) - ?", _KEPT)


def build(store: Store) -> Blueprint:
    """Return the blueprint of the mailbox."""
    blueprint = Blueprint("mailbox", __name__, url_prefix="/_sandbox")
    for path, name, view in (
        ("/mail/", "list", _list),
        ("/mails", "json", _json),
        ("/mail/<int:mail_id>", "mail", _mail),
        ("/mail/<int:mail_id>/html", "html", _html),
        ("/mail/<int:mail_id>/raw", "raw", _raw),
    ):
        blueprint.add_url_rule(path, name, partial(view, store))
    return blueprint


def _list(store: Store) -> Response:
    with store.transaction() as tx:
        found = _found(tx, request.args.get("to", ""))
    return _page("mailbox.html", mails=found, to=request.args.get("to", ""))


def _json(store: Store) -> Response:
    """Answer with the latest mails and their texts, newest first: for tests and scripts."""
    with store.transaction() as tx:
        rows = _rows(tx, request.args.get("to", ""))
    return jsonify(
        {"mails": [_summary(row) | {"text": _body(row["raw"], "plain")} for row in rows]}
    )


def _mail(store: Store, mail_id: int) -> Response:
    with store.transaction() as tx:
        row = _row(tx, mail_id)
    mail = message_from_bytes(row["raw"], policy=default)
    return _page(
        "mail.html",
        mail=_summary(row),
        headers=[(name, str(value)) for name, value in mail.items()],
        text=_body(row["raw"], "plain"),
        has_html=bool(_body(row["raw"], "html")),
    )


def _html(store: Store, mail_id: int) -> Response:
    with store.transaction() as tx:
        row = _row(tx, mail_id)
    html = _body(row["raw"], "html")
    # Links leave the frame: in it they could not be opened at all.
    response = Response(html.replace("<head>", '<head><base target="_blank">', 1))
    response.headers["Content-Security-Policy"] = _MAIL_POLICY
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response


def _raw(store: Store, mail_id: int) -> Response:
    with store.transaction() as tx:
        row = _row(tx, mail_id)
    return Response(row["raw"], content_type="text/plain; charset=utf-8")


def _page(template: str, **shown: object) -> Response:
    nonce = secrets.token_urlsafe(16)
    response = Response(
        render_template(template, nonce=nonce, **shown), content_type="text/html; charset=utf-8"
    )
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; img-src data:; style-src 'nonce-{nonce}'; frame-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    return response


def _rows(tx: Transaction, recipient: str) -> list[Json]:
    found = tx.rows(
        "SELECT id, at, sender, recipient, raw FROM mails"
        " WHERE ? = '' OR recipient = ? ORDER BY id DESC LIMIT ?",
        recipient,
        recipient,
        _SHOWN,
    )
    return [dict(row) for row in found]


def _found(tx: Transaction, recipient: str) -> list[Json]:
    return [_summary(row) for row in _rows(tx, recipient)]


def _row(tx: Transaction, mail_id: int) -> Json:
    found = tx.rows("SELECT id, at, sender, recipient, raw FROM mails WHERE id = ?", mail_id)
    if not found:
        abort(404)
    return dict(found[0])


def _summary(row: Json) -> Json:
    mail = message_from_bytes(row["raw"], policy=default)
    return {
        "id": row["id"],
        "at": row["at"],
        "envelope_from": row["sender"],
        "to": row["recipient"],
        "from": str(mail["From"] or ""),
        "subject": str(mail["Subject"] or ""),
    }


def _body(raw: bytes, kind: str) -> str:
    mail = message_from_bytes(raw, policy=default)
    part = mail.get_body((kind,)) if isinstance(mail, EmailMessage) else None
    return str(part.get_content()) if part is not None else ""
