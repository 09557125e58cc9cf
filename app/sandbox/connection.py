"""The HTTP server: threads, quiet, able to break off a connection and to stop."""

import socket
from wsgiref.types import WSGIApplication

from flask import Response, request
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server


class QuietHandler(WSGIRequestHandler):
    """Answers without a line in the log for each request, and without naming its software."""

    timeout = 60

    @property
    def server_version(self) -> str:  # type: ignore[override]
        """What stands in the `Server` header."""
        return "stripe-sandbox"

    def version_string(self) -> str:
        """Return the `Server` header."""
        return self.server_version

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: the sandbox keeps its own record of payments and deliveries."""

    def log_error(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing of clients that went away or spoke no HTTP."""


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes a free one. Raises OSError if it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


def serve_on(listener: socket.socket, application: WSGIApplication) -> BaseWSGIServer:
    """Return a server on the socket; the socket is taken over."""
    host, port = listener.getsockname()[:2]
    server = make_server(
        host,
        port,
        application,
        threaded=True,
        request_handler=QuietHandler,
        fd=listener.fileno(),
    )
    listener.close()
    return server


def drop() -> Response:
    """Break the connection off, so that the client gets no answer at all."""
    request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    return Response(status=500)
