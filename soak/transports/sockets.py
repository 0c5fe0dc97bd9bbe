"""WebSockets that carry events, and those that only tell how far the inbox is."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

from ..asking import PATIENCE, Gone, kind_of
from ..checker import Broken
from ..wire import CLOSE, PING, PONG, TEXT, Ended, WebSocket, frame_bytes, upgrade_bytes
from .polls import poll
from .way import Batch, Reset, Said, Stand, Told, Way, comes_back

#: Seconds without a frame after which a WebSocket is given up: it is pinged after 25 s of silence.
SILENCE = 60.0


class Socket(Way):
    """A WebSocket."""

    name = "websocket"
    push = ""

    def open(self, stand: Stand) -> None:
        self._epoch = stand.epoch
        self._ws: WebSocket | None = None
        push = {"push": self.push} if self.push else {}
        try:
            ws = WebSocket(self.asker.port)
            self._ws = ws
            ws.sock.settimeout(PATIENCE)
            ws.send(upgrade_bytes(f"/ws?{stand.query(**push)}", self.asker.headers))
            answer = ws.read_answer()
        except (Ended, OSError) as error:
            self.leave()
            raise Gone(kind_of(error)) from error
        if answer.status != 101:
            self.leave()
            self.asker.judged(answer)
            raise Broken(f"a handshake was answered with {answer.status}: {answer.body[:300]!r}")
        self.connects += 1
        self.asker.judged(answer)
        self._heard_at = time.monotonic()

    @property
    def ws(self) -> WebSocket:
        assert self._ws is not None
        return self._ws

    def hear(self, stand: Stand, patience: float) -> list[Said]:
        if not self.ws.is_readable(patience):
            if time.monotonic() - self._heard_at > SILENCE:
                raise Gone("silent")
            return []
        try:
            frame = self.ws.read_frame()
            self._heard_at = time.monotonic()
            if frame.opcode == PING:
                self.ws.send(frame_bytes(PONG, frame.payload))
                return []
            if frame.opcode == CLOSE:
                code, reason = (frame.code, frame.reason) if frame.payload else (1000, "")
                self.ws.send(frame_bytes(CLOSE, frame.payload[:2]))
                raise Gone(f"close {code}", comes_back(code, _retry_in(reason)))
        except (Ended, OSError) as error:
            raise Gone(kind_of(error)) from error
        return list(self._take(frame.json()))

    def _take(self, said: dict[str, Any]) -> Iterator[Said]:
        match said["type"]:
            case "events":
                yield Batch(said["events"], said["seq"], said["latest"], said["badges"])
            case "new":
                yield Told(said["seq"])
            case "reset":
                before, self._epoch = self._epoch, said["epoch"]
                yield Reset(said["epoch"], said["latest"], before)
            case "hello" | "pong":
                pass
            case _:
                raise Broken(f"a frame that nothing asked for: {said}")

    def cut_in_the_middle(self, stand: Stand, patience: float) -> bool | None:
        """Of a text frame: its head is read, and a part of its payload."""
        if not self.ws.is_readable(patience):
            return None
        try:
            first, size = self.ws.read(2)
            if first & 0x0F != TEXT or size < 2:
                return False
            self.ws.read(self.lots.randint(0, min(size, 126) - 1))
        except (Ended, OSError) as error:
            raise Gone(kind_of(error)) from error
        finally:
            self.ws.cut()
        return True

    def leave(self) -> None:
        if self._ws is None:
            return
        try:
            if self.lots.random() < 0.5:
                self._ws.say_close()
        except OSError:
            pass  # it is gone already
        self._ws.close()


class TellingSocket(Socket):
    """A WebSocket with `push=new`: it is told how far the inbox is, and pulls by short polls."""

    name = "push-new"
    push = "new"

    def hear(self, stand: Stand, patience: float) -> list[Said]:
        said: list[Said] = []
        for one in super().hear(stand, patience):
            said += self._pull(stand, one.seq) if isinstance(one, Told) else [one]
        return said

    def _pull(self, stand: Stand, upto: int) -> list[Said]:
        """Everything up to what it was told of, unless the database is another one by then."""
        said: list[Said] = []
        while stand.cursor < upto:
            answer = poll(self.asker, stand, limit=100)
            if answer["reset"]:
                return [*said, Reset(answer["epoch"], answer["latest"], stand.epoch)]
            if answer["latest"] < upto and stand.epoch == self._epoch:
                raise Broken(f"told of {upto}, and the inbox ends at {answer['latest']}")
            if not answer["events"]:
                break
            said.append(Batch(answer["events"], answer["seq"], answer["latest"], answer["badges"]))
            stand = Stand(answer["seq"], stand.epoch)
        return said

    def leave(self) -> None:
        super().leave()
        self.asker.close()


def _retry_in(reason: str) -> float | None:
    found = re.fullmatch(r"retry=([0-9.]+)", reason)
    return float(found[1]) if found else None
