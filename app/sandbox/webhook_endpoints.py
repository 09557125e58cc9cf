"""Webhook endpoints: where events are sent, and the secret they are signed with."""

from app.sandbox import deliveries, listing
from app.sandbox.errors import InvalidParameterError
from app.sandbox.ids import base62, new_id
from app.sandbox.json_types import Json
from app.sandbox.parameters import Params, is_web_address, merged_metadata
from app.sandbox.store import Transaction

_CONFIGURED = "configured_endpoint"


def create(tx: Transaction, params: Params) -> Json:
    """Create an endpoint; only this answer carries its secret."""
    params.only("url", "enabled_events", "description", "metadata", "api_version", "connect")
    address = params.address("url")
    if address is None:
        raise params.missing("url")
    if not params.texts("enabled_events"):
        raise params.missing("enabled_events")
    endpoint = _new(tx, address, params.texts("enabled_events"))
    endpoint["description"] = params.text("description")
    endpoint["api_version"] = params.text("api_version")
    endpoint["metadata"] = merged_metadata({}, params)
    secret = f"whsec_{base62(32)}"
    tx.save(endpoint, {"secret": secret})
    return endpoint | {"secret": secret}


def retrieve(tx: Transaction, params: Params, endpoint_id: str) -> Json:
    """Return one endpoint, without its secret."""
    params.only()
    return tx.get("webhook_endpoint", endpoint_id)


def update(tx: Transaction, params: Params, endpoint_id: str) -> Json:
    """Change what was sent, leave the rest."""
    params.only("url", "enabled_events", "description", "metadata", "disabled")
    endpoint = tx.get("webhook_endpoint", endpoint_id)
    endpoint["url"] = params.address("url") or endpoint["url"]
    endpoint["enabled_events"] = params.texts("enabled_events") or endpoint["enabled_events"]
    if params.has("description"):
        endpoint["description"] = params.text("description")
    if params.has("disabled"):
        endpoint["status"] = "disabled" if params.flag("disabled") else "enabled"
    endpoint["metadata"] = merged_metadata(endpoint["metadata"], params)
    return tx.save(endpoint)


def list_endpoints(tx: Transaction, params: Params) -> Json:
    """Return endpoints, newest first."""
    params.only(*listing.PAGING)
    return listing.page(tx, params, "webhook_endpoint", "/v1/webhook_endpoints")


def delete(tx: Transaction, params: Params, endpoint_id: str) -> Json:
    """Delete an endpoint and drop what was still to be sent to it."""
    params.only()
    tx.get("webhook_endpoint", endpoint_id)
    tx.remove(endpoint_id)
    deliveries.cancel_endpoint(tx, endpoint_id)
    return {"id": endpoint_id, "object": "webhook_endpoint", "deleted": True}


def configure(tx: Transaction, address: str, secret: str | None) -> str:
    """Create or change the endpoint given at the start, for all events; return its secret."""
    check_address(address)
    endpoint_id = tx.setting(_CONFIGURED)
    endpoint = tx.find("webhook_endpoint", endpoint_id) if endpoint_id else None
    kept = tx.private(endpoint["id"]) if endpoint else {}
    endpoint = endpoint or _new(tx, address, ["*"])
    endpoint["url"] = address
    endpoint["description"] = "Given at the start of the sandbox"
    chosen = secret or str(kept.get("secret") or f"whsec_{base62(32)}")
    tx.save(endpoint, {"secret": chosen})
    tx.set_setting(_CONFIGURED, endpoint["id"])
    return chosen


def check_address(address: str) -> None:
    """Refuse what is no http(s) address."""
    if not is_web_address(address):
        raise InvalidParameterError(
            f"Not a valid URL: {address}", code="url_invalid", param="webhook_url"
        )


def _new(tx: Transaction, address: str, enabled_events: list[str]) -> Json:
    return {
        "id": new_id("we"),
        "object": "webhook_endpoint",
        "api_version": None,
        "application": None,
        "created": tx.timestamp,
        "description": None,
        "enabled_events": enabled_events,
        "livemode": False,
        "metadata": {},
        "status": "enabled",
        "url": address,
    }
