"""The figures of docs/performance.md, measured: `python -m bench` (or `make bench`) prints them as one table.

servers.py starts the application as it is deployed, and the peers that it is compared with (peers/); dialects.py and
requests.py say how each is asked for the same work. load.py is the load, in a process of its own (generator.py), with
its connections in sockets.py, requests under way in exchange.py, and what it reads in wire.py. measuring.py holds one
server under load, figures.py measures, report.py prints. Nothing here asserts a time: it prints what was found, and how
far to trust it.
"""
