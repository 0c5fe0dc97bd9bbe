"""The application for uWSGI (`uwsgi --ini uwsgi.ini`) and the `flask` command; `python wsgi.py` serves it itself."""

import atexit
import gc
import signal
import sys

gc.disable()  # what is loaded is no garbage: to look for some among it takes a sixth of the start
atexit.register(gc.freeze)  # and at the end all of it goes, garbage or not: to look takes as long as half a start

# uWSGI asks a worker to end by SIGHUP. One that is still loading the application would never heed it, and a stop or a
# reload that came so early would wait for it for ever: noted here, and repeated at the end
asked_to_end: list[int] = []
if "uwsgi" in sys.modules:
    signal.signal(signal.SIGHUP, lambda number, frame: asked_to_end.append(number))

from gevent import monkey

monkey.patch_all()

import os
import time
import traceback
from typing import Any

#: Seconds after which a worker that could not load the application gives its place to another try.
TRY_AGAIN = 5.0


def takes_anothers_place(uwsgi: Any) -> bool:
    """Whether this is a uWSGI worker after one that has ended; the first ones of all may end uWSGI."""
    number = uwsgi.worker_id() if uwsgi is not None else 0  # 0 in the master
    return number > 0 and uwsgi.workers()[number - 1]["respawn_count"] > 0


def load() -> Any:
    """The application, ready to serve."""
    from myapp import create_app
    from myapp.logs import set_up_logging
    from myapp.schema import upgrade_schema
    from myapp.server import prepare

    set_up_logging()
    app = create_app()
    if is_patient := takes_anothers_place(sys.modules.get("uwsgi")):
        # while it waits for its database, a stop must end it at once: uWSGI's own way begins with the event loop
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    upgrade_schema(app, is_patient=is_patient)
    prepare(app)
    return app


if __name__ == "__main__":
    from myapp.server import main

    gc.enable()
    sys.exit(main())

try:
    app = application = load()
    gc.enable()
except Exception:
    if not takes_anothers_place(sys.modules.get("uwsgi")):
        raise
    # uWSGI takes a worker that has no application for the end of everything. The others go on with the code that they
    # have loaded, and this one is tried again: it may have been in the middle of an update
    traceback.print_exc()
    print(f"the application cannot be loaded; the next try is in {TRY_AGAIN:g} s", file=sys.stderr, flush=True)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    time.sleep(TRY_AGAIN)
    os._exit(1)

if "uwsgi" in sys.modules:
    import gevent

    def repeat_what_was_asked() -> None:
        if asked_to_end:
            os.kill(os.getpid(), signal.SIGHUP)

    gevent.spawn(repeat_what_was_asked)  # in the first turn of the event loop, by when uWSGI listens to it
