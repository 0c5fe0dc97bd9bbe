"""The application for uWSGI (`uwsgi --ini uwsgi.ini`) and the `flask` command; `python wsgi.py` serves it itself."""

from gevent import monkey

monkey.patch_all()

import sys

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
