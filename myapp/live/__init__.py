"""Carrying news to those who wait: bus, dispatcher, parked clients, frames. Knows no Flask and no database.

What runs in a watcher's callback runs in gevent's hub: non-blocking socket calls, parsing and work in memory, nothing
that could switch to another greenlet.
"""
