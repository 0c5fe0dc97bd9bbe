"""One server with a hot post: who looks at it, what is offered, what it spends, and what came of it."""

from __future__ import annotations

import json
import random
import urllib.request
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from stack import Postgres

from . import requests
from .crowd import Crowd, Offered
from .generator import Generator
from .liked import COURSE, Asked, lost
from .process import cpu_seconds, memory_bytes, waiting_seconds
from .screens import HAVE, View, Viewer
from .servers import AppServer, World
from .stack.people import connect
from .stack.spending import spent
from .wire import text_frame

#: The servers; the last one is pywsgi with PostgreSQL.
POSTGRES = "pywsgi, PostgreSQL"
KINDS = ("uwsgi-socket", "uwsgi", "pywsgi", POSTGRES)
#: The author, and the first of the others.
AUTHOR, FIRST = 1, 2
#: Who has just asked does not ask again before so large a part of the others did.
RESTING = 0.5
#: Frames that a viewer gets in a second at most; seconds over which that is looked at: one more may come in them, as
#: each takes longer or shorter on its way here.
MOST_FRAMES, OVER = 2, 3.0
#: Seconds after which everybody has what is on its way.
PAUSE = 0.6


@dataclass(frozen=True, slots=True)
class Plan:
    """How many of each. `rate` is reactions a second; `is_cold`: of the people nothing was heard for ten minutes."""

    rate: float
    seconds: float
    people: int
    viewers: int
    streams: int
    polls: int
    is_cold: bool

    @property
    def screens(self) -> int:
        return self.viewers + self.streams + self.polls

    @property
    def users(self) -> int:
        return 1 + max(self.people, self.screens)


@dataclass(slots=True)
class Run:
    """One server under that load, and what came of it."""

    offered: Offered
    groups: list[tuple[int, float]]
    views: list[View]
    wrong: list[str]
    cpu: float
    beside: float | None
    waited: float
    memory: tuple[int, int]


@contextmanager
def world_of(shared: World, kind: str, users: int) -> Iterator[tuple[World, dict[str, list[int]]]]:
    """A seeded database, and the processes of its server, if it has one."""
    if kind != POSTGRES:
        yield shared, {}
        return
    server = Postgres(shared.folder)
    server.start()
    try:
        home = shared.folder / "postgresql"
        home.mkdir()
        yield World(home, users, "on", server.database("bench")), {"PostgreSQL": [server.pid]}
    finally:
        server.stop()  # killed it would leave its shared memory


def run(world: World, kind: str, plan: Plan, parts: dict[str, list[int]], most: int) -> Run:
    """With `most`, at most so many reactions share a transaction."""
    served = "pywsgi" if kind == POSTGRES else kind
    with (
        AppServer(world, served, probed=True) as server,
        Generator(server.load_port, server.is_kept, Crowd) as generator,
    ):
        assert isinstance(server, AppServer)
        post = json.loads(_ask(server, "POST", "/posts", {"body": "hot"}, world.tokens[AUTHOR - 1]))["id"]
        memory = memory_bytes(server.worker)
        generator.call("arrive", _viewers(server, post, plan))
        wishes = list(_wishes(int(plan.rate * plan.seconds), plan.people))
        made = [(person, _put(server, post, person, reaction)) for person, reaction in wishes]
        if not plan.is_cold:
            _warm(server, generator, plan.people)
        server.get(f"/bench/groups?most={most}")
        generator.call("watch", PAUSE)
        before, waited = _used(server, parts), waiting_seconds(server.worker)
        offered: Offered = generator.call("offer", made, plan.rate)
        used, waited = _used(server, parts), waiting_seconds(server.worker) - waited
        generator.call("watch", PAUSE)
        groups = [(count, seconds) for count, seconds in json.loads(server.get("/bench/groups"))]
        memories = (memory, memory_bytes(server.worker))
        views: list[View] = generator.call("leave")
        url = server.environ()["MYAPP_DATABASE_URL"]
        wrong = lost(url, post, Asked(wishes, offered.answers), views) + _too_many(views)
        if parts:
            _clear(url)
    beside = used[1] - before[1] if used[1] is not None and before[1] is not None else None
    return Run(offered, groups, views, wrong, used[0] - before[0], beside, waited, memories)


def _used(server: AppServer, parts: dict[str, list[int]]) -> tuple[float, float | None]:
    """CPU seconds of the worker so far, and of what is beside it: the router, or the database's server."""
    beside = cpu_seconds(server.router) if server.router else None
    if parts:
        beside = sum(one.cpu for one in spent(parts).values())
    return cpu_seconds(server.worker), beside


def _ask(server: AppServer, method: str, path: str, data: Any, token: str) -> bytes:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    body = json.dumps(data).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}{path}", body, headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        found: bytes = answer.read()
        return found


def _put(server: AppServer, post: int, person: int, reaction: str | None) -> bytes:
    dialect, body = server.dialect, json.dumps({"reaction": reaction})
    made = requests.post(server.port, f"/posts/{post}/reaction", body, dialect.bearer(person), method="PUT")
    return dialect.wrap(made)


def _viewers(server: AppServer, post: int, plan: Plan) -> list[Viewer]:
    """The author is the last one."""
    dialect, topic = server.dialect, f"post:{post}"
    say = text_frame(json.dumps({"type": "watch", "topics": [topic]}))
    people = iter(range(FIRST, FIRST + plan.viewers + plan.streams + plan.polls))
    found = [Viewer("websocket", dialect.handshake(next(people)), say) for _ in range(plan.viewers)]
    for _ in range(plan.streams):
        found.append(Viewer("sse", dialect.get(f"/messages/stream?seq=0&watch={topic}", dialect.bearer(next(people)))))
    path = f"/messages/long-poll?seq=0&timeout=25&watch={topic}&{(HAVE % 0).decode()}"
    found += [Viewer("long-poll", dialect.get(path, dialect.bearer(next(people)))) for _ in range(plan.polls)]
    return [*found, Viewer("websocket", dialect.handshake(AUTHOR), say, is_author=True)]


def _warm(server: AppServer, generator: Generator, people: int) -> None:
    """Each token's use is noted once in ten minutes, in a transaction of its own: not now."""
    made = [
        (person, server.dialect.get("/auth/me", server.dialect.bearer(person)))
        for person in range(FIRST, FIRST + people)
    ]
    generator.call("offer", made, 500)


def _wishes(count: int, people: int) -> Iterator[tuple[int, str | None]]:
    """People in no order, but nobody soon again, each with the next of COURSE."""
    chance = random.Random(7)
    rested = list(range(FIRST, FIRST + people))
    tired: deque[int] = deque()
    turns = dict.fromkeys(rested, 0)
    for _ in range(count):
        at = chance.randrange(len(rested))
        rested[at], rested[-1] = rested[-1], rested[at]
        person = rested.pop()
        yield person, COURSE[turns[person] % len(COURSE)]
        turns[person] += 1
        tired.append(person)
        if len(tired) > RESTING * people:
            rested.append(tired.popleft())


def _clear(url: str) -> None:
    """The next run of this database finds nothing of this one."""
    with connect(url) as connection:
        connection.execute("TRUNCATE posts, events CASCADE")
        connection.execute(
            "UPDATE inboxes SET seq = 0, trimmed = 0, badges = b FROM (SELECT badges AS b FROM inboxes"
            " WHERE user_id = 2) none"
        )


def _too_many(views: Sequence[View]) -> list[str]:
    """Who got more frames than MOST_FRAMES a second."""
    found = [view for view in views if most_in(view.times, OVER) > MOST_FRAMES * OVER + 1]
    return [f"{len(found)} viewers got more than {MOST_FRAMES} frames a second"] if found else []


def most_in(times: Sequence[float], window: float) -> int:
    """The most of them that are less than so many seconds apart."""
    most, first = 0, 0
    for last, at in enumerate(times):
        while times[first] <= at - window:
            first += 1
        most = max(most, last + 1 - first)
    return most
