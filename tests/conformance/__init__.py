"""RFC 6455 to the letter, over plain sockets, against `tests.echo` on both servers.

What the Autobahn suite asks in its sections 1 to 7, 9 and 10, in our own words, and what it does not ask: how early
something wrong is noticed, what follows a Close, how much a client that does not read costs.
"""
