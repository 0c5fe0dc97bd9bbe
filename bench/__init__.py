"""The figures of docs/performance.md, measured: `python -m bench` (or `make bench`) prints them as one table.

servers.py starts the application as it is deployed; load.py is the load, generator.py the process of its own that it
runs in; figures.py measures, report.py prints. Nothing here asserts a time: it prints what was found, and how far to
trust it.
"""
