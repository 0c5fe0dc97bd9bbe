"""What is measured, one function for each server process; each gives figures by name."""

from __future__ import annotations

import time
from dataclasses import replace

from . import requests
from .measuring import APP_KINDS, CONNECTIONS, Bench, Counts, Figure, Figures, bench
from .process import memory_bytes
from .servers import AppServer, World

LOGINS = 50
#: Clients that are parked before memory is measured.
WARM = 200
#: Messages a second, in the figure whose latency is not that of a full queue.
RATE = 200.0


def cpu(world: World, kind: str, counts: Counts) -> Figures:
    """A view, handshakes, messages, of the application also polls; with `counts.parked` WebSockets parked."""
    found: Figures = {}
    users = range(1, counts.parked + 1)
    with bench(world, kind, probed=True) as it:
        is_app = isinstance(it.server, AppServer)
        if is_app:
            found["wake"] = _wake(it, counts)
        it.park(users)
        found["empty"] = it.asked(200, [it.dialect.get("/bench/empty")] * counts.polls)
        cookies = [""]
        if is_app:
            # a token's use is noted once in ten minutes, by a transaction of its own
            it.load.call("exchange", [_get(it, "/auth/me", user) for user in users], CONNECTIONS)
            # of users to whom nothing has happened
            last = [_get(it, "/messages/poll?seq=0", len(world.tokens) - n % 50) for n in range(counts.polls)]
            found["poll"] = it.asked(200, last)
            names = [f"u{len(world.tokens) - n}" for n in range(20)]
            cookies = [requests.sign_in(it.server.port, name, f"127.0.2.{n + 1}") for n, name in enumerate(names)]
            headers = [f"Cookie: {cookie}\r\n{requests.BROWSER}" for cookie in cookies]
            made = [it.dialect.get("/messages/poll?seq=0", headers[n % 20]) for n in range(counts.polls)]
            found["poll, cookie"] = it.asked(200, made)
        _messages(it, 200, counts.parked, 0)  # warms it up
        found["message"] = _messages(it, counts.messages, counts.parked, 0)
        found["message, paced"] = _messages(it, counts.messages // 5, counts.parked, RATE)
        shakes = [it.dialect.browser_handshake(cookies[n % len(cookies)]) for n in range(counts.handshakes)]
        it.connect(shakes[: counts.handshakes // 5])  # warms it up
        found["handshake"] = it.connect(shakes[counts.handshakes // 5 :])
    return found


def _get(it: Bench, path: str, user: int) -> bytes:
    assert isinstance(it.server, AppServer)
    return it.dialect.get(path, it.server.dialect.bearer(user))


def _wake(it: Bench, counts: Counts) -> Figure:
    """One event to each of many users who wait in a long poll."""
    it.park_polls(range(1, counts.parked + 1))
    figure, answers = it.cost(counts.parked, "wake", it.dialect.get(f"/bench/wake?from=1&upto={counts.parked}"))
    if answers.statuses != {200: counts.parked + 1}:  # its own, too
        raise RuntimeError(f"the woken long polls were answered with {dict(answers.statuses)}")
    return figure


def _messages(it: Bench, count: int, parked: int, rate: float) -> Figure:
    """From each parked user to the next one: each message is two frames, and of the application two events."""
    made = [it.dialect.message(n % parked + 1, (n + 1) % parked + 1, n) for n in range(count)]
    figure, result = it.cost(count, "messages", made, CONNECTIONS, 2, rate)
    if result.statuses != {201: count}:  # that all arrived, if several in one frame, the generator has seen
        raise RuntimeError(f"messages were answered with {dict(result.statuses)}")
    return figure


def logins(world: World, kind: str, counts: Counts) -> Figures:
    """The longest turn of the application's event loop while fifty people sign in at once."""
    with bench(world, kind, probed=True) as it:
        assert isinstance(it.server, AppServer)
        people = [(f"u{n}", f"127.0.3.{n}") for n in range(1, LOGINS + 1)]
        forms = [it.server.dialect.wrap(requests.login(it.server.port, *who), who[1]) for who in people]
        it.server.turns()
        figure, result = it.cost(LOGINS, "exchange", forms, LOGINS)
        longest, working = it.server.turns()
        if result.statuses != {303: LOGINS}:
            raise RuntimeError(f"logins were answered with {dict(result.statuses)}")
    return {"login": figure, "turn": Figure(longest), "turn CPU": Figure(working)}


def memory(world: World, kind: str, counts: Counts) -> Figures:
    """Kilobytes by which the worker grows for each parked client of a user of its own, after WARM others.

    Each from a fresh start: what one kind of client has left behind would hold the next.
    """
    found: Figures = {}
    many = counts.memory if kind in APP_KINDS else counts.peers
    first, last = WARM + 1, WARM + many
    with bench(world, kind, probed=True) as it:
        it.park(range(1, first))
        before = _settled(it)
        it.park(range(first, last + 1))
        found["memory"] = Figure((_settled(it) - before) / many)
    with bench(world, kind, probed=True) as it:
        it.park(range(1, first), deflate=True)
        it.deliver(1, WARM, WARM)
        before = _settled(it)
        it.park(range(first, last + 1), deflate=True)
        found["memory, offered"] = Figure((_settled(it) - before) / many)
        it.deliver(first, last, many)
        it.server.wait_parked("websocket", last)  # nobody was lost
        found["memory, after"] = Figure((_settled(it) - before) / many)
    if kind in APP_KINDS:
        with bench(world, kind, probed=True) as it:
            it.park_polls(range(1, first))
            before = _settled(it)
            it.park_polls(range(first, last + 1))
            found["memory, long poll"] = Figure((_settled(it) - before) / many)
            it.server.wait_parked("long-poll", last)  # nobody's time was up
    return found


def _settled(it: Bench) -> float:
    """The worker's resident memory in KB, when what connecting needed for a moment is given back."""
    time.sleep(0.3)
    return memory_bytes(it.server.worker) / 1024


def delivery(world: World, kind: str, counts: Counts) -> Figures:
    """Frames to all clients of one user; then with a crowd of other users parked; then compressed, where that is."""
    found: Figures = {}
    clients = counts.parked
    with bench(world, kind, probed=True) as it:
        it.park([1] * clients)
        found["delivery, one by one"], found["delivery"] = _deliver(it, 1, counts)
        if kind == "uwsgi-socket" and counts.crowd:
            it.park(range(3, counts.crowd + 3))
            _one_by_one, found["delivery, crowd"] = _deliver(it, 1, counts)
            found["delivery, ratio"] = Figure(found["delivery, crowd"].value / found["delivery"].value)
        it.drop()
        it.park([2] * clients, deflate=True)
        _one_by_one, found["delivery, offered"] = _deliver(it, 2, counts)
    return found


def _deliver(it: Bench, user: int, counts: Counts) -> tuple[Figure, Figure]:
    """Frames to all clients of one user: each asked for when the last has come; then by one request, in microseconds.

    These are so far apart that one is written to all before the next is made: Flask-SocketIO's queues would otherwise
    take several in one go, at a third of the cost.
    """
    it.deliver(user, user, counts.parked, times=10)  # warms it up
    alone = it.deliver(user, user, counts.parked, times=counts.frames)
    pause = 1 + int(1.5 * (alone.p50 or 0))
    return alone, _microseconds(it.deliver(user, user, counts.parked, frames=counts.frames, pause=pause))


def _microseconds(figure: Figure) -> Figure:
    router = None if figure.router is None else 1000 * figure.router
    return replace(figure, value=1000 * figure.value, router=router)


def burst(world: World, kind: str, counts: Counts) -> Figures:
    """Seconds until all of many clients that connect at once have been greeted; how many were not."""
    with bench(world, kind) as it:
        it.park(range(1, 101))  # warms it up
        made = [it.dialect.handshake(user) for user in range(101, counts.burst + 101)]
        figure, result = it.cost(counts.burst, "connect", made, counts.burst, it.dialect.greeting)
    refused = counts.burst - result.statuses[101]
    return {"burst": replace(figure, value=result.wall), "burst, refused": Figure(refused)}
