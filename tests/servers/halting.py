"""The application that stops in the middle of a batch of an announcement, once, until it is killed or let go.

`python -m tests.servers.halting` serves it with pywsgi; under uWSGI it is the module in place of wsgi. HALT names a
file: while it is there, the batch that has reached HALT_AT users writes into it that it stands still, and waits.
"""

from gevent import monkey

monkey.patch_all()

import os
import sys
import time
from pathlib import Path

from flask import Flask

from myapp import create_app
from myapp.announcements import service, telling
from myapp.db import Transaction
from myapp.schema import upgrade_schema
from myapp.server import serve, set_up_logging
from myapp.tasks import service as tasks

HALT, AT = Path(os.environ["HALT"]), int(os.environ["HALT_AT"])
#: Users in a batch: far fewer than there are.
MOST = 50

advance = telling.advance


def halting(transaction: Transaction, number: int, most: int) -> bool:
    is_finished = advance(transaction, number, min(most, MOST))
    reached = service.by_number(transaction, number).reached
    if reached >= AT and HALT.exists():
        HALT.write_text(str(reached))
        while HALT.exists():
            time.sleep(0.05)
    return is_finished


def prepared(app: Flask) -> Flask:
    """Who is late has died after half a second, a task's run after one and a half; each looks ten times a second."""
    telling.advance = halting
    telling.CLAIM = 500
    tasks.LEASE = 1500
    app.extensions["myapp"].chores._look_every = 0.1
    return app


if __name__ == "__main__":
    set_up_logging()
    app = prepared(create_app())
    upgrade_schema(app)
    sys.exit(serve(app))
else:
    from wsgi import application as original

    application = prepared(original)
