"""The application for a uWSGI with several workers that share their figures, and each answer names its process.

Without `prepare`, so that no Redis is needed: what is looked at is only how workers tell each other's figures.
"""

from gevent import monkey

monkey.patch_all()

import os
import sys
from typing import Any

from flask import Response

from myapp import create_app
from myapp.health import health
from myapp.metrics_files import folder_of
from myapp.schema import upgrade_schema

application = app = create_app()
upgrade_schema(app)
uwsgi: Any = sys.modules["uwsgi"]
health(app).metrics.share(folder_of(uwsgi.masterpid()), uwsgi.worker_id())


@app.after_request
def name_process(response: Response) -> Response:
    response.headers["X-Process"] = str(os.getpid())
    return response
