"""`python -m myapp.worker`: a process that runs tasks, beside servers that share a Redis. As many as you like.

It is not patched by gevent: tasks run in threads, and what computes for long keeps nobody waiting.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading

from . import create_app
from .chores import LOOK_EVERY
from .db import NOT_NOW
from .errors import ConfigError
from .extensions import Parts
from .logs import say, set_up_logging
from .schema import upgrade_schema
from .tasks.complaints import Complaint
from .tasks.running import Tasks

log = logging.getLogger(__name__)


def look_after(tasks: Tasks, stop: threading.Event, every: float = LOOK_EVERY) -> None:
    """Until `stop`, see every few seconds to what others have left, as servers do: one of those that tell everyone
    something is busy with it for long, and may be gone altogether.
    """
    outage = Complaint(log)
    while not stop.wait(every):
        try:
            tasks.recover()
            tasks.sweep()
            outage.is_over("the database answers again: tasks are looked after")
        except NOT_NOW as error:
            outage.say("the database does not answer, what is left to do waits: %s", error)
        except Exception:  # safety net: the next look tries again
            log.exception("looking after tasks failed")


def main() -> int:
    """Run tasks until SIGTERM or SIGINT; then those that run have MYAPP_DRAIN_SECONDS to end. The exit status.

    A database that is away is waited for: whoever looks after services gives up one that ends again and again.
    """
    set_up_logging()
    stop = threading.Event()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until it runs tasks it ends at once, without a traceback
    try:
        app = create_app()
        parts: Parts = app.extensions["myapp"]
        if parts.tasks.is_here:
            raise ConfigError("MYAPP_REDIS_URL is not set: without Redis tasks run in the server itself")
        upgrade_schema(app, is_patient=True)
    except ConfigError as error:
        print(f"The settings do not allow a start:\n{error}", file=sys.stderr)
        return 2
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: stop.set())
    parts.tasks.start()
    say(f"runs {parts.settings.tasks_at_once} tasks at a time (Ctrl-C stops it)")
    look_after(parts.tasks, stop)
    say("stopping")
    parts.tasks.close(parts.settings.drain_seconds)
    parts.database.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
