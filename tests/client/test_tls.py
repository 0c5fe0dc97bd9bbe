"""Through nginx, which ends TLS, with an authority of our own."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from myapp_client import Event, Pace, Unreachable

from ..proxies import SecureNginx
from ..servers.someone import Three
from ..support import AppServer, wait_for
from .speaking import Following, Speakers


@pytest.fixture(scope="module")
def secure(server: AppServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureNginx]:
    nginx = SecureNginx(tmp_path_factory.mktemp("tls"), f"127.0.0.1:{server.port}").start()
    yield nginx
    nginx.stop()


@pytest.mark.parametrize("transport", ["auto", "long-poll"])
def test_it_sends_follows_and_can_be_closed_over_tls(
    secure: SecureNginx, three: Three, speakers: Speakers, transport: str
) -> None:
    alice = speakers(secure.origin, three.alice.token, ssl_context=secure.trusting)
    bob = speakers(secure.origin, three.bob.token, ssl_context=secure.trusting)
    alice.send(three.bob.name, "one")
    events: Following = bob.follow(0, transport=transport)
    assert events.bodies(1) == ["one"]
    assert events.events.transport == ("websocket" if transport == "auto" else "long-poll")
    rest: list[Event] = []
    waiting = threading.Thread(target=lambda: rest.extend(events.rest()))
    waiting.start()
    alice.send(three.bob.name, "two")
    wait_for(lambda: events.cursor.seq == 2, "the second")
    events.close()
    waiting.join(20)
    assert not waiting.is_alive()
    assert [event.data["body"] for event in rest] == ["two"]


def test_who_is_not_trusted_is_not_spoken_to(secure: SecureNginx, three: Three, speakers: Speakers) -> None:
    once = Pace(first=1e6, longest=1e6)  # a second attempt would come too late for any patience
    with pytest.raises(Unreachable, match="certificate"):
        speakers(secure.origin, three.alice.token, pace=once).me()
