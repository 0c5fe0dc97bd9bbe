"""The client with the real servers: kill -9, restored backups, proxies that meddle, ends of sessions, close()."""

from __future__ import annotations

import asyncio
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from myapp import inbox
from myapp_client import AsyncClient, Conflict, Cursor, Event, Forbidden, Invalid, NotFound, NotSignedIn, Pace, Reset

from ..servers.conftest import Servers
from ..servers.someone import Someone, Three, people_of
from ..servers.test_recovery import write_beside
from ..servers.wire import fetch
from ..support import AppServer, free_port, wait_for
from .meddling import MeddlingProxy
from .speaking import QUICK, Following, Speaker, Speakers

TRANSPORTS = ["auto", "long-poll"]
#: Both clients by WebSocket, and one of them by long poll, which both make of the same core.
WAYS = pytest.mark.parametrize(
    ("pair", "transport"),
    [("pywsgi-sync", "auto"), ("uwsgi-async", "auto"), ("uwsgi-async", "long-poll")],
    indirect=["pair"],
)


@pytest.fixture
def meddle() -> Iterator[Callable[..., MeddlingProxy]]:
    made: list[MeddlingProxy] = []

    def make(server: AppServer, upgrades: str = "pass") -> MeddlingProxy:
        made.append(MeddlingProxy(server.port, upgrades))
        return made[-1]

    yield make
    for proxy in made:
        proxy.close()


def speaker_of(speakers: Speakers, who: Someone, url: str = "") -> Speaker:
    return speakers(url or who.server.url, who.token)


def wait_until_online(who: Someone) -> None:
    """Until any client of theirs waits; uWSGI still counts those of earlier tests for a while."""
    wait_for(lambda: who.get(f"/presence?users={who.name}").json()[who.name] == "online", f"{who.name} to follow")


class InBackground:
    """Takes events in a thread until it has `count`, or the iteration ends."""

    def __init__(self, following: Following, count: int = 1_000_000) -> None:
        self.events: list[Event] = []
        self.error: BaseException | None = None
        self._following, self._count = following, count
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            while len(self.events) < self._count:
                self.events.append(self._following.next())
        except (StopIteration, RuntimeError):  # a coroutine's StopIteration becomes a RuntimeError
            pass
        except BaseException as error:
            self.error = error

    def done(self) -> list[Event]:
        self._thread.join(60)
        assert not self._thread.is_alive(), f"only {len(self.events)} events"
        if self.error is not None:
            raise self.error
        return self.events


# -- requests


def test_a_user_sends_reads_and_marks(three: Three, speakers: Speakers) -> None:
    alice, bob = speaker_of(speakers, three.alice), speaker_of(speakers, three.bob)
    sent = alice.send(three.bob.name, "grüß dich \U0001f600\n")
    assert (sent.from_, sent.to, sent.body, sent.seq) == (three.alice.name, three.bob.name, "grüß dich \U0001f600\n", 1)
    (said,) = bob.history(three.alice.name, limit=1).messages
    assert (said.id, said.body, said.read) == (sent.id, sent.body, False)
    (conversation,) = bob.conversations().conversations
    assert (conversation.with_, conversation.unread, conversation.last.id) == (three.alice.name, 1, sent.id)
    assert bob.badges().badges["messages"] == 1
    assert bob.mark_read(three.alice.name, sent.id).badges["messages"] == 0
    assert bob.mark_seen(["likes"], 1).badges["likes"] == 0
    me = bob.me()
    assert (me.name, me.via, me.is_system) == (three.bob.name, "token", False)


def test_history_goes_back_page_by_page(three: Three, speakers: Speakers) -> None:
    alice = speaker_of(speakers, three.alice)
    ids = [alice.send(three.bob.name, str(number)).id for number in range(3)]
    newest = alice.history(three.bob.name, limit=2)
    assert ([message.id for message in newest.messages], newest.more) == ([ids[2], ids[1]], True)
    older = alice.history(three.bob.name, before=ids[1])
    assert ([message.id for message in older.messages], older.more) == ([ids[0]], False)


def test_the_same_key_is_one_message_and_other_content_a_conflict(three: Three, speakers: Speakers) -> None:
    alice = speaker_of(speakers, three.alice)
    assert alice.send(three.bob.name, "hi", key="k") == alice.send(three.bob.name, "hi", key="k")
    with pytest.raises(Conflict):
        alice.send(three.bob.name, "something else", key="k")


def test_refusals_of_the_service_name_the_field(three: Three, speakers: Speakers) -> None:
    alice = speaker_of(speakers, three.alice)
    with pytest.raises(Invalid) as caught:
        alice.send(three.bob.name, " ")
    assert set(caught.value.errors) == {"body"}
    with pytest.raises(Invalid) as caught:
        alice.send(three.bob.name, "\ud800")
    assert set(caught.value.errors) == {"body"}
    with pytest.raises(NotFound):
        alice.send("nobody-at-all", "hi")
    with pytest.raises(NotSignedIn):
        speakers(three.alice.server.url, "no-such-token").me()


def test_a_send_whose_answer_is_lost_is_one_message(
    three: Three, speakers: Speakers, meddle: Callable[..., MeddlingProxy]
) -> None:
    server = three.alice.server
    proxy = meddle(server)
    alice = speaker_of(speakers, three.alice, proxy.url)
    with server.paused():
        sending = threading.Thread(target=alice.send, args=(three.bob.name, "once"))
        sending.start()
        wait_for(lambda: proxy._open, "the request to be under way")
        proxy.cut_all()
    sending.join(60)
    assert [event["data"]["body"] for event in three.bob.poll()["events"]] == ["once"]


# -- following


@WAYS
def test_it_follows_from_the_beginning_and_on(three: Three, speakers: Speakers, transport: str) -> None:
    three.alice.send(three.bob, "one")
    events = speaker_of(speakers, three.bob).follow(0, transport=transport)
    first = events.next()
    assert (first.seq, first.kind, first.data["from"], first.data["body"]) == (1, "message", three.alice.name, "one")
    assert events.cursor.seq == 1 and events.cursor.epoch
    assert events.events.badges["messages"] == 1
    three.alice.send(three.bob, "two")
    assert events.bodies(1) == ["two"]
    assert events.events.transport == ("websocket" if transport == "auto" else "long-poll")


@WAYS
def test_no_log_has_the_token_however_much_is_logged(
    three: Three, speakers: Speakers, transport: str, caplog: pytest.LogCaptureFixture
) -> None:
    alice, bob = three[:2]
    speaker_of(speakers, alice).send(bob.name, "one")
    with caplog.at_level(logging.DEBUG):
        speaker_of(speakers, bob, bob.server.url.upper()).follow(0, transport=transport).next()
    assert bob.token not in caplog.text


def test_without_seq_only_what_is_new_comes(three: Three, speakers: Speakers) -> None:
    three.alice.send(three.bob, "old")
    events = speaker_of(speakers, three.bob).follow()
    assert events.begin().seq == 1
    three.alice.send(three.bob, "new")
    assert events.bodies(1) == ["new"]


def test_a_stored_cursor_goes_on_exactly_there(three: Three, speakers: Speakers) -> None:
    for number in range(5):
        three.alice.send(three.bob, str(number))
    bob = speaker_of(speakers, three.bob)
    events = bob.follow(0)
    assert events.bodies(2) == ["0", "1"]
    cursor = events.cursor
    events.close()
    assert bob.follow(cursor.seq, epoch=cursor.epoch).bodies(3) == ["2", "3", "4"]


def test_kill_9_of_the_server_costs_no_event_no_send_and_doubles_none(mortal: AppServer, speakers: Speakers) -> None:
    alice, bob, _ = people_of(mortal)
    followed = [speaker_of(speakers, bob).follow(0, transport=transport) for transport in TRANSPORTS]
    alice.send(bob, "one")
    assert [events.bodies(1) for events in followed] == [["one"], ["one"]]
    waiting = [InBackground(events, 3) for events in followed]
    mortal.kill()
    write_beside(alice, bob, "two, while it is down")
    sending = threading.Thread(target=speaker_of(speakers, alice).send, args=(bob.name, "three, begun meanwhile"))
    sending.start()
    mortal.start()
    sending.join(60)
    alice.send(bob, "four")
    for each in waiting:
        bodies = [event.data["body"] for event in each.done()]
        assert bodies == ["two, while it is down", "three, begun meanwhile", "four"]
    assert [events.cursor.seq for events in followed] == [4, 4]


def test_a_restored_backup_is_told_once_in_its_place_and_following_goes_on(
    three: Three, speakers: Speakers, meddle: Callable[..., MeddlingProxy]
) -> None:
    alice, bob, _ = three
    proxy = meddle(bob.server)
    told: list[Reset] = []
    alice.send(bob, "before")
    events = speaker_of(speakers, bob, proxy.url).follow(0, on_reset=told.append)
    assert events.bodies(1) == ["before"]
    before = events.cursor
    waiting = InBackground(events, 1)
    with bob.server.app.extensions["myapp"].database.transaction() as transaction:
        epoch = inbox.new_epoch(transaction)
    proxy.cut_all()  # rather than wait until the server comes to compare the two
    wait_for(lambda: told, "the reset")
    alice.send(bob, "after")
    assert [event.data["body"] for event in waiting.done()] == ["after"]
    assert told == [Reset(Cursor(1, epoch), before)]
    assert events.cursor == Cursor(2, epoch)


@pytest.mark.parametrize("upgrades", MeddlingProxy.BREAKS)
def test_where_a_proxy_breaks_websockets_it_polls_and_goes_back_when_it_can(
    three: Three, speakers: Speakers, meddle: Callable[..., MeddlingProxy], upgrades: str
) -> None:
    proxy = meddle(three.bob.server, upgrades)
    pace = Pace(first=0.02, longest=0.1, answer=0.3, without_websocket=0.1, without_websocket_most=0.1)
    speaker = speakers(proxy.url, three.bob.token, pace=pace)
    events = speaker.follow(0)
    waiting = InBackground(events)
    wait_for(lambda: proxy.polls, "it to poll")
    three.alice.send(three.bob, "by poll")
    wait_for(lambda: waiting.events, "the first event")
    # between two of its polls it tries a WebSocket
    wait_for(lambda: events.events.transport == "long-poll", "it to poll again")
    proxy.upgrades = "pass"

    def is_back() -> bool:
        three.alice.send(three.bob, "another")  # ends a poll that may last longer than it polls for
        return events.events.transport == "websocket"

    wait_for(is_back, "it to go back")
    latest = three.bob.latest
    wait_for(lambda: len(waiting.events) >= latest, "all events")
    events.close()
    assert [event.seq for event in waiting.done()] == list(range(1, latest + 1))
    assert proxy.handshakes > 1


@WAYS
def test_connections_that_are_cut_all_the_time_cost_nothing(
    three: Three, speakers: Speakers, meddle: Callable[..., MeddlingProxy], transport: str
) -> None:
    proxy = meddle(three.bob.server)
    waiting = InBackground(speaker_of(speakers, three.bob, proxy.url).follow(0, transport=transport), 80)
    lots = random.Random(7)
    for number in range(80):
        three.alice.send(three.bob, f"{number} " + "x" * lots.randrange(2000))
        if lots.random() < 0.3:
            proxy.cut_all()
    assert [event.seq for event in waiting.done()] == list(range(1, 81))


@pytest.mark.parametrize("pair", ["pywsgi-sync"], indirect=True)
def test_a_server_that_has_no_place_is_polled(start: Servers, speakers: Speakers) -> None:
    server = start(MAX_CLIENTS="1")
    alice, bob, carol = people_of(server)
    holder = carol.websocket()
    holder.hello()
    events = speaker_of(speakers, bob).follow(0)
    alice.send(bob, "while it is full")
    assert events.bodies(1) == ["while it is full"]  # a long poll that has something needs no place
    assert events.events.transport == "long-poll"
    holder.leave()


# -- its end


@WAYS
def test_close_from_elsewhere_ends_it(three: Three, speakers: Speakers, transport: str) -> None:
    events = speaker_of(speakers, three.bob).follow(0, transport=transport)
    three.alice.send(three.bob, "one")
    events.next()
    waiting = InBackground(events)
    wait_until_online(three.bob)
    events.close()
    assert waiting.done() == []
    events.close()
    assert (events.rest(), events.events.transport) == ([], None)


def test_closing_the_client_ends_its_followers(three: Three, speakers: Speakers) -> None:
    bob = speaker_of(speakers, three.bob)
    waiting = [InBackground(bob.follow(0, transport=transport)) for transport in TRANSPORTS]
    wait_until_online(three.bob)
    bob.close()
    assert [each.done() for each in waiting] == [[], []]


def test_while_it_waits_to_come_back_it_can_be_closed(speakers: Speakers) -> None:
    pace = Pace(first=600.0, longest=600.0)
    events = speakers(f"http://127.0.0.1:{free_port()}", "t", pace=pace).follow(0)
    waiting = InBackground(events)
    wait_for(lambda: events.events._core._rest_until > time.monotonic(), "it to wait")
    events.close()
    assert waiting.done() == []


@WAYS
def test_a_token_that_does_not_count_is_said(three: Three, speakers: Speakers, transport: str) -> None:
    with pytest.raises(NotSignedIn):
        speakers(three.bob.server.url, "no-such-token").follow(0, transport=transport).next()


@WAYS
def test_a_token_that_is_revoked_ends_it(three: Three, speakers: Speakers, transport: str) -> None:
    bob = three.bob
    events = speaker_of(speakers, bob).follow(0, transport=transport)
    waiting = InBackground(events)
    wait_until_online(bob)
    (token,) = bob.get("/auth/tokens").json()["tokens"]
    assert fetch(bob.port, "DELETE", f"/auth/tokens/{token['id']}", bob.headers).status == 204
    with pytest.raises(NotSignedIn):
        waiting.done()


def test_a_ticket_follows_and_does_not_send(three: Three, speakers: Speakers) -> None:
    ticket = three.bob.post("/auth/ticket", {}).json()["ticket"]
    bob = speakers(three.bob.server.url, ticket)
    three.alice.send(three.bob, "hi")
    assert bob.me().via == "ticket"
    assert bob.follow(0).bodies(1) == ["hi"]
    with pytest.raises(Forbidden):
        bob.send(three.alice.name, "no")


def test_a_task_that_is_cancelled_while_it_waits_loses_nothing(three: Three) -> None:
    async def follow() -> list[str]:
        async with AsyncClient(three.bob.server.url, three.bob.token, pace=QUICK) as client:
            events = client.follow(0)
            bodies: list[str] = []
            sent = 0
            while len(bodies) < 20:
                try:
                    async with asyncio.timeout(0.003):
                        bodies.append((await anext(events)).data["body"])
                except TimeoutError:
                    if sent < 20:
                        await asyncio.to_thread(three.alice.send, three.bob, str(sent))
                        sent += 1
            return bodies

    # in a thread of its own: in this one Playwright's loop may run, for the tests of other folders
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(asyncio.run, follow()).result() == [str(number) for number in range(20)]
