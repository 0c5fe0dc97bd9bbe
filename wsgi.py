"""The application for uWSGI (`uwsgi --ini uwsgi.ini`) and the `flask` command; `python wsgi.py` serves it itself."""

import signal
import sys

# uWSGI asks a worker to end by SIGHUP. One that is still loading the application would never heed it, and a stop or a
# reload that came so early would wait for it for ever: noted here, and repeated at the end
asked_to_end: list[int] = []
if "uwsgi" in sys.modules:
    signal.signal(signal.SIGHUP, lambda number, frame: asked_to_end.append(number))

from gevent import monkey

monkey.patch_all()

import os

from myapp import create_app
from myapp.logs import set_up_logging
from myapp.schema import upgrade_schema
from myapp.server import main, prepare
from myapp.under_uwsgi import has_to_wait

if __name__ == "__main__":
    sys.exit(main())

set_up_logging()
app = application = create_app()
upgrade_schema(app, is_patient=has_to_wait())
prepare(app)

if "uwsgi" in sys.modules:
    import gevent

    def repeat_what_was_asked() -> None:
        if asked_to_end:
            os.kill(os.getpid(), signal.SIGHUP)

    gevent.spawn(repeat_what_was_asked)  # in the first turn of the event loop, by when uWSGI listens to it
