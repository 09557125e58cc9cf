from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from app.integrations.domain_keys import DkimKeys
from app.kernel import now
from app.notifications import ChannelError, ChannelName, EmailChannel, Mail, MailTransport, Post
from app.web import words_of

DOMAIN = "kontor.test"
SECRET = "the secret of a post that is not the real one"


@dataclass
class FakeTransport:
    """A mail server that keeps what it gets; `refusal` is raised instead, while there is one."""

    mails: list[Mail] = field(default_factory=list)
    refusal: ChannelError | None = None

    def send(self, mail: Mail) -> str:
        if self.refusal is not None:
            raise self.refusal
        self.mails.append(mail)
        return "250"


def fake_post(
    transport: MailTransport | None = None,
    *,
    clock: Callable[[], datetime] = now,
    bounce_address: str = "bounces@kontor.test",
) -> Post:
    """A post with the product's own words and keys, and a mail server that is none."""
    keys = DkimKeys(SECRET)
    return Post(
        channels={
            ChannelName.EMAIL: EmailChannel(
                transport=transport or FakeTransport(),
                keys=keys,
                mail_from=f"no-reply@{DOMAIN}",
                bounce_address=bounce_address,
                clock=clock,
            )
        },
        words=words_of,
        keys=keys,
        platform_domain=DOMAIN,
        mail_domain=DOMAIN,
        address=lambda host: f"https://{host}",
        secret=SECRET,
    )
