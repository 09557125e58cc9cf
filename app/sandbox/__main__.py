"""`python -m app.sandbox`: runs the sandbox until SIGTERM or SIGINT."""

import argparse
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from app.sandbox import start_sandbox
from app.sandbox.courier import RETRY_DELAYS
from app.sandbox.errors import ApiError


def main() -> int:
    """Run the sandbox; return the exit status."""
    options = _options()
    stopping = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    try:
        sandbox = start_sandbox(
            host=options.host,
            port=options.port,
            state=options.state,
            public_url=options.public_url,
            webhook_url=options.webhook_url,
            webhook_secret=options.webhook_secret,
            retry_delays=options.retry_delays,
            mail_port=options.mail_port,
        )
    except OSError as failure:
        sys.stderr.write(f"stripe sandbox: cannot listen on port {options.port}: {failure}\n")
        return 1
    except ApiError as refusal:
        sys.stderr.write(f"stripe sandbox: {refusal}\n")
        return 1
    with sandbox:
        sys.stdout.write(f"stripe sandbox ready on {sandbox.url}\n")
        sys.stdout.flush()
        stopping.wait()
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m app.sandbox", description="Stripe sandbox")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=12111, help="0 takes a free port")
    parser.add_argument("--mail-port", type=int, default=0, help="SMTP; 0 takes a free one")
    parser.add_argument("--state", type=Path, help="SQLite file; without it nothing is kept")
    parser.add_argument("--public-url", help="how browsers reach the hosted page")
    parser.add_argument("--webhook-url", help="where to send every event")
    parser.add_argument("--webhook-secret", help="what to sign events with (whsec_...)")
    parser.add_argument(
        "--retry-delays",
        type=_delays,
        default=RETRY_DELAYS,
        help="seconds between attempts to deliver, such as 1,2,5",
    )
    return parser.parse_args()


def _delays(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in text.split(",") if part)


if __name__ == "__main__":
    sys.exit(main())
