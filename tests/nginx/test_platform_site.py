"""nginx in front, for real: rules R1, R9 and R19, names that nobody has, streams."""

import json
import re
import shutil
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.nginx import private_nginx
from tests.nginx.private_nginx import DOMAIN, NGINX, PLACEHOLDER, TEMPLATE, Nginx, prepare
from tests.nginx.upstream import Upstream, running_upstream

pytestmark = [
    pytest.mark.skipif(not NGINX.exists(), reason=f"{NGINX} is not installed"),
    pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed"),
]

SHORTLY = 0.5


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with running_upstream() as running:
        yield running


@pytest.fixture(scope="module")
def nginx(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    home = tmp_path_factory.mktemp("nginx")
    with private_nginx.running(prepare(home, upstream=f"127.0.0.1:{upstream.port}")) as running:
        yield running


def told(answer: bytes) -> dict[str, str]:
    """What the application was told, by its own answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 "), answer
    found: dict[str, str] = json.loads(re.search(rb"\{.*\}", body, re.DOTALL)[0])  # type: ignore[index]
    return found


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def test_nginx_takes_the_template_without_a_warning(tmp_path: Path) -> None:
    for number, upstream in enumerate(("127.0.0.1:8000", "unix:/run/kontor/web.sock")):
        home = tmp_path / str(number)
        home.mkdir()
        prepare(home, upstream=upstream)

        result = private_nginx.check(home)

        assert result.returncode == 0, result.stderr
        assert "[warn]" not in result.stderr


def test_the_readme_lists_every_placeholder() -> None:
    used = set(PLACEHOLDER.findall(TEMPLATE.read_text(encoding="utf-8")))
    rows = re.findall(
        r"^\| (`[A-Z].*?) \|", (TEMPLATE.parent / "README.md").read_text(), re.MULTILINE
    )

    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == used


@pytest.mark.parametrize("host", ["ACME.Kontor.TEST", "acme.kontor.test.", "acme.kontor.test:443"])
def test_the_application_gets_the_host_in_one_form(nginx: Nginx, host: str) -> None:
    answer = nginx.https(f"GET / HTTP/1.1\nHost: {host}")

    assert told(answer)["HTTP_HOST"] == "acme.kontor.test"


def test_an_absolute_address_and_the_host_cannot_disagree(nginx: Nginx) -> None:
    answer = nginx.https("GET https://acme.kontor.test/ HTTP/1.1\nHost: other.kontor.test")

    assert told(answer)["HTTP_HOST"] == "acme.kontor.test"


def test_what_a_visitor_claims_of_the_way_is_gone(nginx: Nginx) -> None:
    answer = nginx.https(
        "GET / HTTP/1.1\nHost: acme.kontor.test\nX-Forwarded-Host: other.kontor.test\n"
        "X-Forwarded-For: 203.0.113.9\nX-Forwarded-Proto: http\nX-Forwarded-Port: 1\n"
        "X-Forwarded-Prefix: /evil\nForwarded: host=evil.test\nX-Request-ID: chosen-by-visitor"
    )

    told_of_the_way = told(answer)
    assert told_of_the_way["HTTP_X_FORWARDED_FOR"] == "127.0.0.1"
    assert told_of_the_way["HTTP_X_FORWARDED_PROTO"] == "https"
    assert re.fullmatch(r"[0-9a-f]{32}", told_of_the_way["HTTP_X_REQUEST_ID"])
    assert {
        "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PORT", "HTTP_X_FORWARDED_PREFIX",
        "HTTP_FORWARDED",
    }.isdisjoint(told_of_the_way)  # fmt: skip


@pytest.mark.parametrize(
    ("path", "length", "expected"),
    [
        ("/api/v2/usage", 3_000_000, 413),
        ("/api/v2/usage/batch", 3_000_000, 100),
        ("/api/v2/usage/batch", 5_000_000, 413),
    ],
)
def test_a_batch_of_usage_may_be_longer_than_other_bodies(
    nginx: Nginx, path: str, length: int, expected: int
) -> None:
    request = (
        f"POST {path} HTTP/1.1\nHost: acme.kontor.test\n"
        f"Content-Length: {length}\nExpect: 100-continue"
    )

    with nginx.opened(request) as connection:
        answer = connection.recv(100)

    assert status(answer) == expected


def test_an_unknown_name_ends_in_the_greeting(nginx: Nginx, upstream: Upstream) -> None:
    before = len(upstream.requests)

    with pytest.raises(ssl.SSLError, match=r"(?i)unrecognized.name"):
        nginx.https("GET / HTTP/1.1\nHost: evil.test", server_name="evil.test")

    assert len(upstream.requests) == before


@pytest.mark.parametrize("host", ["evil.test", f"{DOMAIN}.evil.test", f"evil{DOMAIN}", "127.0.0.1"])
def test_an_unknown_host_is_answered_by_nginx(nginx: Nginx, upstream: Upstream, host: str) -> None:
    before = len(upstream.requests)

    by_https = nginx.https(f"GET / HTTP/1.1\nHost: {host}")
    by_http = nginx.http(f"GET / HTTP/1.1\nHost: {host}")

    assert status(by_https) == 421
    assert by_http == b""
    assert len(upstream.requests) == before


def test_http_leads_to_https_on_the_same_name(nginx: Nginx, upstream: Upstream) -> None:
    before = len(upstream.requests)

    answer = nginx.http("POST /portal/?a=1 HTTP/1.1\nHost: Acme.kontor.test\nContent-Length: 0")

    assert status(answer) == 308
    assert b"Location: https://acme.kontor.test/portal/?a=1\r\n" in answer
    assert len(upstream.requests) == before


@pytest.mark.parametrize("host", [DOMAIN, f"acme.{DOMAIN}", "portal.not-yet-known.test"])
def test_a_challenge_is_answered_before_any_redirect(nginx: Nginx, host: str) -> None:
    folder = nginx.home / "challenges" / ".well-known" / "acme-challenge"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "token_A-1").write_text("token_A-1.thumbprint")

    answer = nginx.http(f"GET /.well-known/acme-challenge/token_A-1 HTTP/1.1\nHost: {host}")

    assert status(answer) == 200
    assert b"Content-Type: text/plain" in answer
    assert answer.endswith(b"token_A-1.thumbprint")


@pytest.mark.parametrize(
    "token", ["missing", "..%2f..%2fsite.key", "a.b", "%2e%2e/%2e%2e/site.key"]
)
def test_a_hostile_token_finds_nothing(nginx: Nginx, token: str) -> None:
    answer = nginx.http(f"GET /.well-known/acme-challenge/{token} HTTP/1.1\nHost: {DOMAIN}")

    assert status(answer) in {308, 400, 404}
    assert b"PRIVATE" not in answer


def test_a_stream_is_passed_on_at_once(nginx: Nginx, upstream: Upstream) -> None:
    upstream.gate.clear()
    request = f"GET /portal/balance/stream HTTP/1.1\nHost: {DOMAIN}\nAccept-Encoding: gzip"

    with nginx.opened(request) as stream:
        heard = b""
        while b"first" not in heard:
            heard += stream.recv(4096)
        upstream.gate.set()

    assert b"second" not in heard


def test_another_page_would_be_buffered(nginx: Nginx, upstream: Upstream) -> None:
    upstream.gate.clear()

    with nginx.opened(f"GET /slow HTTP/1.1\nHost: {DOMAIN}") as page:
        page.settimeout(SHORTLY)
        # The first half would be here by now, as it is above; nginx waits for the whole.
        with pytest.raises(TimeoutError):
            page.recv(4096)
        upstream.gate.set()


def test_tls_1_2_and_1_3_are_offered_and_no_other(nginx: Nginx) -> None:
    text = (nginx.home / "platform.conf").read_text()

    assert re.findall(r"ssl_protocols (.+);", text) == ["TLSv1.2 TLSv1.3"]


@pytest.mark.parametrize(
    "path", ["/static/css/site.css?v=1", "/theme/klar/theme.css", "/brand.css"]
)
def test_style_sheets_are_compressed_and_pages_with_their_tokens_never(
    nginx: Nginx, path: str
) -> None:
    asking = f"HTTP/1.1\nHost: {DOMAIN}\nAccept-Encoding: gzip"

    sheet = nginx.https(f"GET {path} {asking}")
    page = nginx.https(f"GET /portal/ {asking}\nX-Kind: text/html")

    assert b"\r\nContent-Encoding: gzip\r\n" in sheet
    assert b"\r\nVary: Accept-Encoding\r\n" in sheet
    assert b"Content-Encoding" not in page
    assert b"Content-Type: text/html" in page


def test_a_mailed_link_that_still_works_stands_in_no_log(nginx: Nginx) -> None:
    path = "/password/reset/c2VjcmV0IHRva2Vu"
    request = f"GET {path} HTTP/1.1\nHost: {DOMAIN}"

    answers = [status(nginx.https(request)), status(nginx.http(request))]

    assert answers == [200, 308]
    logs = list(nginx.home.glob("*.log"))
    assert logs
    assert not any(path in log.read_text(encoding="utf-8") for log in logs)
