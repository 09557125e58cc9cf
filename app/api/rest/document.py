from flask import Blueprint, current_app, jsonify
from flask.typing import ResponseReturnValue
from flask_openapi3.openapi import OpenAPI

from app.edge import Where, declare

bp = Blueprint("api_document", __name__, url_prefix="/api/v2")
declare(bp, where=Where.ALL_SITES, is_for_machines=True)


@bp.get("/openapi.json")
def show() -> ResponseReturnValue:
    """Describe the API in OpenAPI 3.1."""
    app = current_app._get_current_object()  # type: ignore[attr-defined] # noqa: SLF001 - Flask's way
    if not isinstance(app, OpenAPI):
        raise TypeError(app)
    return jsonify(app.api_doc)
