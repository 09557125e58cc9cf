"""Stand-ins for what is outside; each keeps what it was told."""

from tests.fakes.adapters import FakeBell, FakeGateway, FakeHeads, FakeLive, fake_ports
from tests.fakes.post import FakeTransport, fake_post

__all__ = [
    "FakeBell",
    "FakeGateway",
    "FakeHeads",
    "FakeLive",
    "FakeTransport",
    "fake_ports",
    "fake_post",
]
