"""Which parked sockets have bytes or room: one epoll for all of them, watched by gevent's loop as one descriptor.

A watcher of gevent's for each socket costs 180 bytes, an entry here 8. Where there is no epoll (macOS), each socket
has a watcher after all.
"""

from __future__ import annotations

import select
from collections.abc import Callable
from typing import Any, Protocol

from gevent import monkey

READ, WRITE = 1, 4
#: Descriptors that are looked after in one turn of the loop; the rest are ready again in the next one.
MOST_READY = 64

#: What is called for a ready descriptor's client: `on_ready(client, events)`, events being READ, WRITE or both.
OnReady = Callable[[Any, int], None]


class Poller(Protocol):
    """Calls `on_ready` in the hub for each client whose descriptor is ready, again and again as long as it is.

    `on_ready` must not wait and must not raise. A hang-up or an error counts as READ: reading tells which it is.
    """

    def add(self, fd: int, client: Any) -> None:
        """Watch for READ. Raises OSError when the kernel refuses."""

    def change(self, fd: int, events: int) -> None:
        """Watch for these from now on."""

    def remove(self, fd: int) -> None:
        """Forget the descriptor; call it before it is closed."""

    def close(self) -> None:
        """Watch nothing any more. Calling it again does nothing."""


class EpollPoller:
    """One epoll(7) instance. Made after the fork; `loop` is gevent's."""

    def __init__(self, loop: Any, on_ready: OnReady) -> None:
        self._on_ready = on_ready
        #: by descriptor; these are small numbers, close together
        self._clients: list[Any] = []
        # gevent's patch takes epoll away, so that nobody waits in it; this one is never waited in
        self._epoll = monkey.get_original("select", "epoll")()
        self._watcher = loop.io(self._epoll.fileno(), 1)
        self._watcher.start(self._look)

    def add(self, fd: int, client: Any) -> None:
        self._epoll.register(fd, READ)
        if fd >= len(self._clients):
            self._clients.extend([None] * (fd + 1 - len(self._clients)))
        self._clients[fd] = client

    def change(self, fd: int, events: int) -> None:
        self._epoll.modify(fd, events)

    def remove(self, fd: int) -> None:
        self._clients[fd] = None
        self._epoll.unregister(fd)

    def close(self) -> None:
        if not self._epoll.closed:
            self._watcher.stop()
            self._watcher.close()
            self._epoll.close()
            self._clients.clear()

    def _look(self) -> None:
        for fd, events in self._epoll.poll(0, MOST_READY):
            client = self._clients[fd]
            if client is not None:  # one that was called before can have closed it
                # EPOLLHUP and EPOLLERR are there unasked
                self._on_ready(client, events if events & ~(READ | WRITE) == 0 else (events & WRITE) | READ)


class WatcherPoller:
    """A watcher of gevent's for each descriptor."""

    def __init__(self, loop: Any, on_ready: OnReady) -> None:
        self._loop = loop
        self._on_ready = on_ready
        self._watchers: dict[int, tuple[Any, Any]] = {}

    def add(self, fd: int, client: Any) -> None:
        watcher = self._loop.io(fd, 1)
        self._watchers[fd] = watcher, client
        watcher.start(self._ready, client, READ)

    def change(self, fd: int, events: int) -> None:
        watcher, client = self._watchers[fd]
        watcher.stop()
        watcher.events = (1 if events & READ else 0) | (2 if events & WRITE else 0)
        watcher.start(self._ready, client, events)

    def remove(self, fd: int) -> None:
        watcher, _client = self._watchers.pop(fd)
        watcher.stop()
        watcher.close()

    def close(self) -> None:
        for fd in list(self._watchers):
            self.remove(fd)

    def _ready(self, client: Any, events: int) -> None:
        self._on_ready(client, events)


def open_poller(loop: Any, on_ready: OnReady) -> Poller:
    """The better one of those that this system has."""
    has_epoll = hasattr(select, "epoll") or monkey.is_object_patched("select", "epoll")
    return EpollPoller(loop, on_ready) if has_epoll else WatcherPoller(loop, on_ready)
