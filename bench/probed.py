"""The application with routes in front of it that only the benchmark asks for. `python -m bench.probed`: on pywsgi.

/bench/empty   an empty view of a bare Flask application: what every request costs at the least
/bench/turns   how long the turns of the event loop were since this was last asked
/bench/wake    news for user ids `from` to `upto`, published to the bus as after a commit, without any database
/bench/deliver the same for users that stay: `frames` times, one every `pause` ms
/bench/groups  the groups of reactions since this was last asked: how many in each, and the seconds of its transaction;
               with `most`, from now on so many in one
"""

from __future__ import annotations

# ruff: noqa: E402 - gevent's patch must run before anything else is imported
from gevent import monkey

monkey.patch_all()

import json
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

import gevent
from flask import Flask

from bench.pretended import PRETENDED, badges, text
from myapp import grouping
from myapp.extensions import Parts
from myapp.inbox import Appended
from myapp.posts import reacting


class Turns:
    """Measures turns of gevent's loop: from when the poll returned until all that was ready has run.

    libev calls check watchers right after its poll and prepare watchers right before the next; the greenlets that a
    turn made ready are run by a prepare watcher of gevent's, so ours comes after it.
    """

    def __init__(self) -> None:
        loop = gevent.get_hub().loop
        self._check, self._prepare = loop.check(), loop.prepare()
        self._check.priority, self._prepare.priority = loop.MAXPRI, loop.MINPRI
        self._began, self._used = time.perf_counter(), time.thread_time()
        self._longest, self._working = 0.0, 0.0
        self._check.start(self._begin)
        self._prepare.start(self._end)

    def _begin(self) -> None:
        self._began, self._used = time.perf_counter(), time.thread_time()

    def _end(self) -> None:
        self._longest = max(self._longest, time.perf_counter() - self._began)
        self._working = max(self._working, time.thread_time() - self._used)

    def take(self) -> dict[str, float]:
        """In ms: the longest turn, and the most CPU that one took: the rest of it is waiting for a core, a lock or a
        disk. Counting starts anew."""
        found = {"longest": 1000 * self._longest, "working": 1000 * self._working}
        self._longest, self._working = 0.0, 0.0
        return found


class Probes:
    """WSGI in front of the application. It costs every other request one look at its path."""

    def __init__(self, app: Flask) -> None:
        self._app: Callable[[dict[str, Any], Any], Iterable[bytes]] = app.wsgi_app
        self._parts: Parts = app.extensions["myapp"]
        self._turns: Turns | None = None
        self._groups: list[tuple[int, float]] = []
        self._empty = Flask("empty")
        self._empty.add_url_rule("/bench/empty", view_func=lambda: "")

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if not path.startswith("/bench/"):
            return self._app(environ, start_response)
        if path == "/bench/empty":
            return self._empty(environ, start_response)
        if path == "/bench/turns":
            self._turns = self._turns or Turns()
            body = json.dumps(self._turns.take())
        else:
            asked = {name: int(values[0]) for name, values in parse_qs(environ["QUERY_STRING"]).items()}
            if path == "/bench/groups":
                body = self._take_groups(asked.get("most", 0))
            elif path == "/bench/wake":
                body = self._wake(asked["from"], asked["upto"])
            else:
                body = self._deliver(asked["from"], asked["upto"], asked["frames"], asked["pause"])
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body.encode()]

    def _take_groups(self, most: int) -> str:
        parts, found = self._parts, self._groups
        if most:
            grouping.FIRST = grouping.LEAST = grouping.MOST = most
            parts.reactions = grouping.Grouping(parts.database, reacting.lock_author, reacting.react)
        self._groups = []
        parts.reactions.note = lambda wishes, seconds: self._groups.append((wishes, seconds))
        return json.dumps(found)

    def _wake(self, first: int, last: int) -> str:
        """One event to each, all with seq 1: nobody may have anything in the inbox."""
        for user in range(first, last + 1):
            self._publish(user, 1)
        return json.dumps({"woken": last + 1 - first})

    def _deliver(self, first: int, last: int, frames: int, pause: int) -> str:
        """Events to all of these users, whose clients are to stand where the last call with the same users ended."""
        for _ in range(frames):
            # by the hundred, so that a first message to all does not make one long queue
            for start in range(first, last + 1, 100):
                upto = min(start + 99, last)
                seq = PRETENDED.append(first, last, start, upto)
                for user in range(start, upto + 1):
                    self._publish(user, seq)
                gevent.sleep(pause / 1000)
        return json.dumps({"delivered": frames})

    def _publish(self, user: int, seq: int) -> None:
        self._parts.database.publish([Appended(user, seq, seq, (text(seq),), badges(seq), "")])


def probed(app: Flask) -> Flask:
    app.wsgi_app = Probes(app)  # type: ignore[method-assign]  # how Flask wants middleware to be added
    return app


if __name__ == "__main__":
    from myapp import create_app
    from myapp.logs import set_up_logging
    from myapp.schema import upgrade_schema
    from myapp.server import serve

    set_up_logging()
    made = create_app()
    upgrade_schema(made)
    sys.exit(serve(probed(made)))
else:
    from wsgi import application as deployed

    application = probed(deployed)
