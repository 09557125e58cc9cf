"""A private nginx on high ports of the loopback address, and a client that may lie to it."""

import os
import re
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

NGINX = Path("/usr/sbin/nginx")
TEMPLATE = Path(__file__).parents[2] / "nginx" / "platform.conf.template"
DOMAIN = "kontor.test"
PLACEHOLDER = re.compile(r"\$\{([A-Z0-9_]+)\}")
SECONDS = 10.0

_MAIN = """
{user}
daemon off;
worker_processes 1;
pid {home}/nginx.pid;
error_log {home}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log {home}/access.log;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    include {home}/platform.conf;
}}
"""


@dataclass(frozen=True)
class Nginx:
    """A running nginx."""

    home: Path
    http_port: int
    https_port: int

    def http(self, request: str) -> bytes:
        """Send a request as it is by http; return all that comes back."""
        with self._connect(self.http_port) as plain:
            plain.sendall(_wire(request))
            return _read_all(plain)

    def https(self, request: str, *, server_name: str = DOMAIN) -> bytes:
        """Send a request as it is by https; return all that comes back."""
        with self.opened(request, server_name=server_name) as secure:
            return _read_all(secure)

    @contextmanager
    def opened(self, request: str, *, server_name: str = DOMAIN) -> Iterator[ssl.SSLSocket]:
        """Send a request by https and leave reading to the caller."""
        context = ssl.create_default_context(cafile=str(self.home / "site.crt"))
        with (
            self._connect(self.https_port) as plain,
            context.wrap_socket(plain, server_hostname=server_name) as secure,
        ):
            secure.sendall(_wire(request))
            yield secure

    @staticmethod
    def _connect(port: int) -> socket.socket:
        return socket.create_connection(("127.0.0.1", port), SECONDS)


def render(values: Mapping[str, str]) -> str:
    """Return the template with its placeholders filled in, all of them."""
    return PLACEHOLDER.sub(lambda found: values[found[1]], TEMPLATE.read_text(encoding="utf-8"))


def check(home: Path) -> subprocess.CompletedProcess[str]:
    """Run `nginx -t` on the configuration in `home`."""
    return subprocess.run(_command(home, "-t"), capture_output=True, text=True, check=False)


def prepare(home: Path, *, upstream: str) -> Nginx:
    """Write certificate and configuration into `home`."""
    _make_certificate(home)
    http_port, https_port = _free_ports(2)
    rendered = render(
        {
            "UPSTREAM": upstream,
            "PLATFORM_DOMAIN": DOMAIN,
            "IPV4": "127.0.0.1",
            "IPV6": "[::1]",
            "HTTP_PORT": str(http_port),
            "HTTPS_PORT": str(https_port),
            "CERTIFICATE": str(home / "site.crt"),
            "CERTIFICATE_KEY": str(home / "site.key"),
            "CHALLENGE_ROOT": str(home / "challenges"),
        }
    )
    if not _has_ipv6():
        rendered = "".join(line for line in rendered.splitlines(True) if "[::1]" not in line)
    (home / "platform.conf").write_text(rendered)
    # Its workers would be `nobody`, who may not enter the folder of a test.
    user = "user root;" if os.geteuid() == 0 else ""
    (home / "nginx.conf").write_text(_MAIN.format(home=home, user=user))
    return Nginx(home, http_port, https_port)


@contextmanager
def running(nginx: Nginx) -> Iterator[Nginx]:
    """Serve until the block ends."""
    with (nginx.home / "output.log").open("wb") as output:
        process = subprocess.Popen(_command(nginx.home), stdout=output, stderr=output)
    try:
        _wait_for(nginx.https_port, process, nginx.home / "output.log")
        yield nginx
    finally:
        process.terminate()
        process.wait(SECONDS)


def _command(home: Path, *flags: str) -> list[str]:
    return [str(NGINX), "-p", str(home), "-e", str(home / "error.log"), "-c", "nginx.conf", *flags]


def _make_certificate(home: Path) -> None:
    command = [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
        "-nodes", "-days", "2", "-subj", f"/CN={DOMAIN}",
        "-addext", f"subjectAltName=DNS:{DOMAIN},DNS:*.{DOMAIN}",
        "-keyout", str(home / "site.key"), "-out", str(home / "site.crt"),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)


def _wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
        except ConnectionRefusedError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"nginx does not start: {log.read_text()}")


def _free_ports(count: int) -> list[int]:
    with ExitStack() as open_at_once:
        probes = [open_at_once.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def _has_ipv6() -> bool:
    try:
        with closing(socket.socket(socket.AF_INET6)) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def _wire(request: str) -> bytes:
    return (request.strip("\n").replace("\n", "\r\n") + "\r\nConnection: close\r\n\r\n").encode()


def _read_all(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(65_536):
        parts.append(part)
    return b"".join(parts)
