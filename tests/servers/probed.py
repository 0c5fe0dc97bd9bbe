"""The application with a few more addresses, for tests that look into the server or have it misbehave.

`python -m tests.servers.probed` serves it with pywsgi; under uWSGI it is the module in place of wsgi.
"""

from gevent import monkey

monkey.patch_all()

import gc
import os
import sys
import threading
from typing import Any

import gevent
import greenlet
from flask import Flask, Response, request

from myapp import create_app
from myapp.extensions import parts
from myapp.live import frames, stream
from myapp.live.bus import News
from myapp.live.frames import Batch
from myapp.messages import parked
from myapp.schema import upgrade_schema
from myapp.server import serve, set_up_logging
from myapp.web import answer


def add_probe(app: Flask) -> Flask:
    app.add_url_rule("/_probe", view_func=probe)
    app.add_url_rule("/_gc/<state>", view_func=set_gc, methods=["POST"])
    app.add_url_rule("/_max-clients/<int:count>", view_func=set_max_clients, methods=["POST"])
    app.add_url_rule("/_slow", view_func=slow)
    app.add_url_rule("/_tamper/<how>", view_func=tamper, methods=["POST"])
    app.add_url_rule("/_comments/<seconds>", view_func=set_comments, methods=["POST"])
    app.add_url_rule("/_bus/<how>", view_func=set_bus, methods=["POST"])
    return app


def probe() -> Response:
    """What this process is made of at the moment, without what is only waiting to be collected."""
    if gc.isenabled():
        gc.collect()
    alive = [thing for thing in gc.get_objects() if isinstance(thing, greenlet.greenlet) and not thing.dead]
    dispatcher = parts().dispatcher
    return answer(
        {
            "greenlets": len(alive),
            "threads": len(os.listdir("/proc/self/task")),
            "python_threads": threading.active_count(),
            "descriptors": len(os.listdir("/proc/self/fd")),
            "memory": _resident(),
            "clients": dispatcher.count,
            "parked": dict(dispatcher.parked),
            "max_clients": dispatcher.limits.clients,
            "counts": dict(dispatcher.counts),
            "watched": dispatcher.topics.size,
            "typing": len(dispatcher.typing._said) + len(dispatcher.typing._readers),
        }
    )


def _resident() -> int:
    """Bytes of memory of this process."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def set_gc(state: str) -> Response:
    gc.enable() if state == "on" else gc.disable()
    return answer({})


def set_max_clients(count: int) -> Response:
    """So many places from now on; 0 means no limit."""
    parts().dispatcher.limits.clients = count
    return answer({})


def slow() -> Response:
    """Takes its time, as the query says, in its greenlet."""
    gevent.sleep(float(request.args["seconds"]))
    return answer({"slept": True})


def set_bus(how: str) -> Response:
    """From now on the bus loses, doubles or swaps the news of events, or works."""
    dispatcher = parts().dispatcher
    held: list[News] = []

    def lose(news: News) -> None:
        pass

    def double(news: News) -> None:
        dispatcher.delivery.deliver(news)
        dispatcher.delivery.deliver(news)

    def swap(news: News) -> None:
        held.append(news)
        if len(held) > 1:
            dispatcher.delivery.deliver(held.pop())
            dispatcher.delivery.deliver(held.pop())

    deliver = {"lose": lose, "double": double, "swap": swap, "works": dispatcher.delivery.deliver}[how]
    dispatcher._bus.start(
        deliver,
        deliver_all=dispatcher.delivery.deliver_all,
        grants_ended=dispatcher.doubt_granted,
        learn=lambda news: dispatcher.topics.stored.learn(*news),
    )
    return answer({})


#: Ways to spoil the texts of a batch; the last one leaves them as they are.
SPOILERS: dict[str, Any] = {
    "drop": lambda texts: texts[1:],
    "double": lambda texts: texts[:1] + texts,
    "swap": lambda texts: texts[1:2] + texts[:1] + texts[2:],
    "off": lambda texts: texts,
}
ORIGINALS = frames.events, frames.poll_body, frames.stream_events


def tamper(how: str) -> Response:
    """From now on every frame and answer with events has one dropped, one doubled, two swapped, or is right."""

    def spoiled(batch: Batch) -> Batch:
        return batch._replace(texts=SPOILERS[how](batch.texts))

    events, poll_body, stream_events = ORIGINALS
    frames.events = lambda batch: events(spoiled(batch))
    frames.stream_events = lambda batch: stream_events(spoiled(batch))
    frames.poll_body = lambda epoch, batch, *rest: poll_body(epoch, spoiled(batch), *rest)
    return answer({})


def set_comments(seconds: str) -> Response:
    """From now on a stream carries a comment every so many seconds."""
    parked.COMMENT_EVERY = stream.COMMENT_EVERY = float(seconds)
    return answer({})


if __name__ == "__main__":
    set_up_logging()
    app = add_probe(create_app())
    upgrade_schema(app)
    sys.exit(serve(app))
else:
    from wsgi import application as original

    application = add_probe(original)
