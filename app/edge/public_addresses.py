from app.edge.site_guard import current_site
from app.edge.state import current_edge


def site_address() -> str:
    """Return the public address of the current site, without a slash at the end.

    Made from the host as the directory knows it and from the settings, never from a header (R18).
    """
    return address_of(current_site().host)


def address_of(host: str) -> str:
    """Return the public address of a host that we serve, without a slash at the end."""
    options = current_edge().options
    if options.public_port is None:
        return f"https://{host}"
    return f"http://{host}:{options.public_port}"
