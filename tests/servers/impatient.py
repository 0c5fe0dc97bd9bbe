"""The probed application, in which tests can see who is behind, and make it less patient with them.

`python -m tests.servers.impatient` serves it with pywsgi; under uWSGI it is the module in place of wsgi.
"""

from __future__ import annotations

import sys
from typing import Any

from . import probed  # which patches before it imports anything else


def behind() -> Any:
    """The bytes that are kept for each client that has a frame half written."""
    dispatcher = probed.parts().dispatcher
    clients = {*dispatcher.slow, *dispatcher._closing}
    return probed.answer({"kept": [_kept(client.rest) for client in clients if client.rest]})


def _kept(rest: bytes | memoryview) -> int:
    """What of the frame is out already is kept too."""
    return len(rest) if isinstance(rest, bytes) else memoryview(rest.obj).nbytes


def set_patience(slow: str, closing: str) -> Any:
    """From now on a client has so many seconds for one frame, and for taking the last bytes."""
    from myapp.live import clients, long_poll, slow_clients

    slow_clients.SLOW_PATIENCE = long_poll.SLOW_PATIENCE = float(slow)
    clients.CLOSING_PATIENCE = float(closing)
    return probed.answer({})


application = probed.application
application.add_url_rule("/_behind", view_func=behind)
application.add_url_rule("/_patience/<slow>/<closing>", view_func=set_patience, methods=["POST"])

if __name__ == "__main__":
    probed.set_up_logging()
    sys.exit(probed.serve(application))
