"""Two people write to each other, over each transport, on each server."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Route, WebSocketRoute

from ..support import AppServer
from .support import TRANSPORTS, Person, Window, follows, numbered, used

both_servers = pytest.mark.parametrize("server", ["pywsgi", "uwsgi"], indirect=True)


@both_servers
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_two_people_write_to_each_other_over(transport: str, server: AppServer, two: tuple[Person, Person]) -> None:
    ann, bob = two
    before = follows(server)
    for person in two:
        person.prefer(transport)
    at_ann, at_bob = ann.chat(bob, transport=transport), bob.chat(ann, transport=transport)
    said = []
    for window, text in ((at_ann, "Hello Bob"), (at_bob, "Hello Ann"), (at_ann, "How are you?")):
        window.write(text)
        said.append(text)
        at_ann.shows(*said)
        at_bob.shows(*said)
    assert ann.stored(bob) == said
    assert used(server, before) == {transport}, "the server's own count says who was asked"


@both_servers
def test_the_best_way_is_a_websocket(server: AppServer, two: tuple[Person, Person]) -> None:
    ann, bob = two
    before = follows(server)
    window = bob.chat(ann, transport="websocket")
    ann.send(bob, "Hello")
    window.shows("Hello")
    assert window.find("#live-transport").input_value() == "auto"
    assert used(server, before) == {"websocket"}


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_choice_in_the_page_is_taken_at_once_and_kept(
    transport: str, server: AppServer, two: tuple[Person, Person]
) -> None:
    ann, bob = two
    window = bob.chat(ann)
    before = follows(server)
    window.choose(transport)
    window.is_on(transport)
    window.page.reload()
    window.is_on(transport)
    assert window.find("#live-transport").input_value() == transport
    assert used(server, before) == {transport}


def keep_sending(sender: Person, receiver: Person, said: list[str], is_over: threading.Event) -> None:
    while len(said) < 240 and not is_over.wait(0.01):  # enough, however slowly it is switched
        said.append(f"message {len(said) + 1}")
        sender.send(receiver, said[-1])


def latest(person: Person) -> int:
    """The seq that the person's inbox has reached."""
    seq: int = person.program.get("/badges").json()["seq"]
    return seq


@both_servers
def test_switching_while_messages_arrive_loses_and_repeats_nothing(
    server: AppServer, two: tuple[Person, Person]
) -> None:
    ann, bob = two
    window = bob.chat(ann)
    before = follows(server)
    said: list[str] = []
    is_over = threading.Event()
    sender = threading.Thread(target=keep_sending, args=(ann, bob, said, is_over))
    sender.start()
    choices = itertools.cycle((*TRANSPORTS, "off"))
    while len(said) < 30:  # at once, each in the middle of what the one before has begun
        window.choose(next(choices))
    for choice in (*TRANSPORTS, "auto"):  # and each once it works
        window.choose(choice)
        window.is_on("websocket" if choice == "auto" else choice)
    is_over.set()
    sender.join()
    window.shows(*said)

    def has_heard_all() -> bool:
        heard = window.heard
        assert heard == list(range(1, len(heard) + 1)), "each event came once and in order"
        return len(heard) == latest(bob)

    wait_in(window, has_heard_all)  # that the last messages were read is an event too, and comes a little later
    assert used(server, before) == set(TRANSPORTS)


def test_a_page_that_is_off_asks_for_nothing_and_catches_up_when_it_is_on_again(
    server: AppServer, two: tuple[Person, Person]
) -> None:
    ann, bob = two
    window = bob.chat(ann)
    window.choose("off")
    window.is_on("off")
    before = follows(server)
    ann.send(bob, "one", "two")
    assert used(server, before) == set()
    assert window.bodies.count() == 0
    window.choose("auto")
    window.shows("one", "two")


def without_websockets(person: Person) -> BrowserContext:
    """A browser of theirs behind something that knows no WebSocket."""
    context = person.context()
    context.route_web_socket("**/ws?*", lambda socket: socket.close(code=1011))
    return context


@both_servers
def test_a_page_goes_on_by_a_stream_where_websockets_are_blocked(server: AppServer, two: tuple[Person, Person]) -> None:
    ann, bob = two
    window = bob.chat(ann, context=without_websockets(bob), transport="sse")
    ann.send(bob, "Hello")
    window.shows("Hello")


#: What may stand between a browser and an event stream.
OBSTACLES: dict[str, Callable[[Route], None]] = {
    "refused": lambda route: route.fulfill(status=502),
    "kept back": lambda route: None,
    "answered by a page": lambda route: route.fulfill(status=200, content_type="text/html", body="<p>Sign in to WiFi"),
}


@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_a_page_goes_on_by_polls_where_websockets_are_blocked_and_streams_are(
    obstacle: str, two: tuple[Person, Person]
) -> None:
    ann, bob = two
    context = without_websockets(bob)
    context.route("**/messages/stream?*", OBSTACLES[obstacle])
    window = bob.chat(ann, context=context, transport=None)
    window.expect_problems("502")
    window.is_on("long-poll")
    ann.send(bob, "Hello")
    window.shows("Hello")


def test_a_stream_that_is_doubted_is_asked_for_again_and_loses_nothing(
    server: AppServer, two: tuple[Person, Person]
) -> None:
    ann, bob = two
    bob.prefer("sse")
    window = bob.chat(ann, transport="sse")
    before = follows(server)
    said = numbered(10)
    for text in said:
        window.page.evaluate("() => { document.dispatchEvent(new Event('visibilitychange')) }")
        ann.send(bob, text)
    window.shows(*said)
    heard = tuple(window.heard)  # it goes on hearing
    assert heard == tuple(sorted(set(heard))), "nothing came twice"
    assert follows(server)["sse"] > before["sse"]
    wait_in(window, lambda: server.metric("myapp_parked_clients", transport="sse") == 1)
    window.is_on("sse")


#: What becomes of the first two frames with events on their way.
HARMS = {
    "lost": lambda first, second: [second],
    "doubled": lambda first, second: [first, first, second],
    "swapped": lambda first, second: [second, first],
}


@pytest.mark.parametrize("harm", HARMS)
def test_the_page_shows_everything_once_though_a_frame_is(harm: str, two: tuple[Person, Person]) -> None:
    ann, bob = two
    frames: list[str] = []

    def between(socket: WebSocketRoute) -> None:
        def pass_on(frame: str | bytes) -> None:
            if '"events"' not in str(frame):
                socket.send(frame)
                return
            frames.append(str(frame))
            arriving = {1: [], 2: HARMS[harm](frames[0], frames[-1])}.get(len(frames), [frames[-1]])
            for one in arriving:
                socket.send(one)

        socket.connect_to_server().on_message(pass_on)

    context = bob.context()
    context.route_web_socket("**/ws?*", between)
    window = bob.chat(ann, context=context)
    said = numbered(4)
    for text in said:
        count = len(frames)
        ann.send(bob, text)
        wait_in(window, lambda count=count: len(frames) > count)
    window.shows(*said)
    heard = window.heard
    assert heard == list(range(heard[0], heard[0] + len(heard))), "nothing twice, nothing left out"


def wait_in(window: Window, condition: Callable[[], bool]) -> None:
    """Let the browser's events come in until the condition holds."""
    for _ in range(500):
        if condition():
            return
        window.page.wait_for_timeout(20)
    raise AssertionError("it did not happen")
