"""The application as it is deployed, all of it measured: `python -m bench.stack` (or `make bench-stack`) prints it.

nginx, uWSGI with two workers, Redis and PostgreSQL, as `make stack` starts them, and beside them a stack of
Flask-SocketIO that stores the same message (running.py). people.py makes users by the ten thousand, spending.py counts
the CPU of each part. Figures: sending.py (messages a second, and while Redis is away), returning.py (thousands come
back at once), memory.py (who comes and goes, and who stays). The load is bench.generator's. Nothing here asserts a
time.
"""
