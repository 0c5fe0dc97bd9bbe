"""`python -m myapp.worker`: a process that runs tasks, beside servers that share a Redis. As many as you like.

It is not patched by gevent: tasks run in threads, and what computes for long keeps nobody waiting.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading

from . import create_app
from .errors import ConfigError
from .extensions import Parts
from .logs import say, set_up_logging
from .schema import upgrade_schema

log = logging.getLogger(__name__)


def main() -> int:
    """Run tasks until SIGTERM or SIGINT; then those that run have MYAPP_DRAIN_SECONDS to end. The exit status."""
    set_up_logging()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: stop.set())
    try:
        app = create_app()
        parts: Parts = app.extensions["myapp"]
        if parts.tasks.is_here:
            raise ConfigError("MYAPP_REDIS_URL is not set: without Redis tasks run in the server itself")
        upgrade_schema(app)
    except ConfigError as error:
        print(f"The settings do not allow a start:\n{error}", file=sys.stderr)
        return 2
    parts.tasks.start()
    say(f"runs {parts.settings.tasks_at_once} tasks at a time (Ctrl-C stops it)")
    stop.wait()
    say("stopping")
    parts.tasks.close(parts.settings.drain_seconds)
    parts.database.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
