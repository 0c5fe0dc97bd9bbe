"""How soon pages and polls are answered while tasks run."""

from __future__ import annotations

from .exchange import Result
from .requests import BROWSER, sign_in
from .task_places import Place

#: Tasks at a time, as many as run in one process; and requests a second, a page and a poll by turns.
TASKS, RATE = 4, 20.0
#: What the tasks do meanwhile.
DOING = {"no tasks": "", "tasks that wait": "bench-wait", "tasks that compute": "bench-compute", "no tasks again": ""}


def answers(it: Place, seconds: float) -> dict[str, Result]:
    """By what the tasks did."""
    found: dict[str, Result] = {}
    cookie = f"Cookie: {sign_in(it.port, 'u1', '127.0.0.1')}\r\n"
    asked = [
        it.dialect.get("/", cookie + BROWSER.replace("application/json", "text/html")),
        it.dialect.get("/messages/poll?seq=0", it.dialect.bearer(1)),
    ]
    made = asked * int(seconds * RATE / 2)
    with it.generator() as load:
        load.call("exchange", asked * 20, 1)
        for what, kind in DOING.items():
            if kind:
                load.call("exchange", [it.start_many(kind, TASKS, TASKS, seconds + 2)], 1)
                it.wait_for_running(TASKS)
            found[what] = load.call("messages", made, 1, 0, RATE)
            if found[what].statuses != {200: len(made)}:
                raise RuntimeError(f"answered with {dict(found[what].statuses)}")
            it.wait_for_all()
    return found
