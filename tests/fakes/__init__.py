"""Stand-ins for what is outside; each keeps what it was told."""

from tests.fakes.adapters import FakeBell, FakeGateway, FakeHeads, FakeLive, fake_ports

__all__ = ["FakeBell", "FakeGateway", "FakeHeads", "FakeLive", "fake_ports"]
