"""A WebSocket that answers each message with itself, made of the project's own handshake, frames and parked client.

`python -m tests.echo PORT` serves it with gevent's pywsgi, `--uwsgi` with uWSGI and the project's own uwsgi.ini, at any
path, so that a conformance suite can be pointed at it.
"""
