"""The programs that the application is deployed with: nginx, uWSGI, a worker for tasks, Redis and PostgreSQL,
started and stopped.

`python -m stack` (or `make stack`) runs all of them; tests, and whoever else needs one, use the same classes. Each has
`start()`, `stop()`, `kill()`, `pid` and `log()`, and can be started again, on the same port with the same data.
Linux only: what is left of a program that was killed is found through /proc.
"""

from .nginx import Nginx
from .postgres import Postgres
from .program import Program, StackError, free_port, wait_for
from .redis import Redis
from .stack import Stack
from .uwsgi import Uwsgi
from .worker import Worker

__all__ = ["Nginx", "Postgres", "Program", "Redis", "Stack", "StackError", "Uwsgi", "Worker", "free_port", "wait_for"]
