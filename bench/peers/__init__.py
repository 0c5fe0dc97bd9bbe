"""What the application is compared with: the same work done with plain flask-sock, with Flask-SocketIO, and with bare
sockets.

The first two are set up as their documentation recommends for gevent, with their defaults. Everything else is in their
favour: nothing is stored, nobody's identity is checked, and their server listens with a long backlog and without
Nagle's delay. bare.py is no peer but the ground under all of them: what the kernel and the load generator need.

Each is started with `python -m bench.peers.<name> PORT` and serves what common.py and its own docstring say.
"""
