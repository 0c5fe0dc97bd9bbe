"""Following, for programs with threads."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self

import httpx
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from .address import Address
from .asking import NO_ANSWER
from .errors import Closed
from .events import Cursor, Event, Reset
from .following import Following
from .handshakes import CANNOT_OPEN, Refused, end_of, options, tell_why_not
from .steps import Ask, HangUp, Listen, Open, Say, Step, Wait


class Connection(ClientConnection):
    """A WebSocket that follows no redirect."""

    def handshake(self, *args: Any, **more: Any) -> None:
        try:
            super().handshake(*args, **more)
        except InvalidStatus as refusal:
            raise Refused(refusal) from refusal


class Follow(Iterator[Event]):
    """An iterator of events, each once and in order, for ever; made by `Client.follow`.

    One thread takes events. `close()` may be called by any thread: the iteration then ends at once, while a
    connection is being made within 10 s. Memory is bounded: at most 16 frames, of 64 KB or one event, are read ahead.
    """

    def __init__(
        self,
        core: Following,
        address: Address,
        http: httpx.Client,
        ssl_context: ssl.SSLContext,
        on_reset: Callable[[Reset], object] | None,
        on_close: Callable[[Follow], object],
    ) -> None:
        self._core = core
        self._address = address
        self._http = http
        self._ssl = ssl_context
        self._on_reset = on_reset
        self._on_close = on_close
        self._closing = threading.Event()
        self._lock = threading.Lock()
        #: held by the thread that takes events while it uses connections
        self._moving = threading.Lock()
        self._ws: ClientConnection | None = None
        self._poll_socket: socket.socket | None = None

    @property
    def cursor(self) -> Cursor | None:
        """Behind the event that was taken last: store it when the event is done with. None until the start is known."""
        return self._core.cursor

    @property
    def badges(self) -> Mapping[str, int]:
        """The newest counts by name, which may be ahead of the events taken so far."""
        return self._core.badges

    @property
    def transport(self) -> str | None:
        """`websocket` or `long-poll`, None while there is no connection."""
        return None if self._closing.is_set() else self._core.transport

    def begin(self) -> Cursor:
        """Where following begins: waits until that is known. Raises Closed."""
        while self._core.cursor is None:
            if self._closing.is_set():
                raise Closed("The follower was closed before it had begun.")
            self._move()
        return self._core.cursor

    def __next__(self) -> Event:
        while not self._closing.is_set():
            item = self._core.peek()
            if item is None:
                self._move()
                continue
            if isinstance(item, Reset) and self._on_reset is not None:
                self._on_reset(item)
            self._core.take()  # when it is done: where on_reset fails, it is called again
            if isinstance(item, Event):
                return item
        raise StopIteration

    def _move(self) -> None:
        """One step of the core's. Raises ClientError, and then is closed."""
        try:
            with self._moving:
                self._do(self._core.step(time.monotonic()))
        except Exception:
            if not self._closing.is_set():  # otherwise close() cut it off, whatever it says
                self.close()
                raise
        finally:
            if self._closing.is_set():
                self._http.close()

    def _do(self, step: Step) -> None:
        match step:
            case Wait():
                self._closing.wait(step.seconds)
            case Ask():
                self._ask(step)
            case Open():
                self._open(step)
            case Listen():
                self._listen(step)
            case Say():
                self._say(step)
            case HangUp():
                self._hang_up()

    def _ask(self, step: Ask) -> None:
        timeout = httpx.Timeout(10.0, read=step.seconds)
        try:
            answer = self._http.get(
                self._address.http(step.path), timeout=timeout, extensions={"trace": self._note_socket}
            )
        except NO_ANSWER as error:
            if self._closing.is_set():
                return
            self._core.failed(f"no answer: {error or type(error).__name__}", time.monotonic())
            return
        self._core.answered(answer.status_code, answer.headers, answer.content, time.monotonic())

    def _note_socket(self, event: str, info: dict[str, Any]) -> None:
        """The socket of a long poll, so that close() can wake the thread that waits for it."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            with self._lock:
                self._poll_socket = info["return_value"].get_extra_info("socket")
            if self._closing.is_set():
                self._wake()

    def _open(self, step: Open) -> None:
        url = self._address.websocket(step.path)
        try:
            # entered, as newer versions of websockets want it; left by close()
            own = options(self._ssl, url, self._address.headers)
            ws = connect(url, create_connection=Connection, **own).__enter__()
        except CANNOT_OPEN as error:
            tell_why_not(self._core, error, time.monotonic())
            return
        with self._lock:
            self._ws = ws
        if self._closing.is_set():
            self._hang_up()
            return
        self._core.opened(time.monotonic())

    def _listen(self, step: Listen) -> None:
        assert self._ws is not None
        try:
            text = self._ws.recv(timeout=step.seconds)
        except TimeoutError:
            self._core.quiet(time.monotonic())
        except ConnectionClosed as error:
            self._ended(error)
        else:
            self._core.heard(text, time.monotonic())

    def _say(self, step: Say) -> None:
        assert self._ws is not None
        # frames that came before its end are still to be heard, and so is why it ended
        with contextlib.suppress(ConnectionClosed):
            self._ws.send(step.text)

    def _ended(self, error: ConnectionClosed) -> None:
        if self._closing.is_set():
            return
        self._hang_up()
        self._core.closed(*end_of(error), time.monotonic())

    def _hang_up(self) -> None:
        with self._lock:
            ws, self._ws = self._ws, None
        if ws is not None:
            _shut(ws.socket)  # where it does not answer, the Close frames are not waited for
            ws.close()

    def close(self) -> None:
        """End following and its connections. Idempotent, by any thread."""
        self._closing.set()
        with self._lock:
            ws, self._ws = self._ws, None
        if ws is not None:
            ws.close()
        self._wake()
        # not under the hands of a thread that reads: its descriptor could be another's by then; it does so itself
        if self._moving.acquire(blocking=False):
            self._http.close()
            self._moving.release()
        self._on_close(self)

    def _wake(self) -> None:
        with self._lock:
            waiting = self._poll_socket
        if waiting is not None:
            _shut(waiting)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _shut(sock: socket.socket) -> None:
    """End both directions, also below TLS: a thread that waits for it wakes."""
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
