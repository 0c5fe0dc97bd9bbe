"""Server-sent events (WHATWG HTML section 9.2)."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

from ..asking import PATIENCE, Gone, kind_of
from ..checker import Broken
from ..wire import Ended, Wire
from .way import Batch, Reset, Said, Stand, Way, checked, comes_back

#: Seconds without a byte after which a stream is given up: it carries a comment every 15 s.
SILENCE = 45.0


class Stream(Way):
    """Server-sent events (WHATWG HTML section 9.2)."""

    name = "sse"

    def open(self, stand: Stand) -> None:
        self.leave()
        self._epoch = stand.epoch
        self._retry: float | None = None
        self._batch: list[dict[str, Any]] = []
        wire = self.asker.wire()
        try:
            wire.send(self.asker.request("GET", f"/messages/stream?{stand.query()}"))
            answer = wire.read_answer("HEAD")  # its body does not end
        except (Ended, OSError) as error:
            self.leave()
            raise Gone(kind_of(error)) from error
        if answer.status != 200:
            self.leave()
        checked(self.asker.judged(answer).status, b"{}")
        self.connects += 1
        self._body = _Body(wire, "chunked" in (answer.header("transfer-encoding") or ""))
        self._heard_at = time.monotonic()

    def hear(self, stand: Stand, patience: float) -> list[Said]:
        if not self._body.is_readable(patience):
            if time.monotonic() - self._heard_at > SILENCE:
                raise Gone("silent")
            return []
        said: list[Said] = []
        try:
            while not said and self._body.is_readable(0 if not self._batch else PATIENCE):
                said = list(self._take(_fields(self._body.read_block())))
                self._heard_at = time.monotonic()
        except (Ended, OSError) as error:
            raise Gone(kind_of(error), self._retry) from error
        return said

    def _take(self, fields: dict[str, str]) -> Iterator[Said]:
        """One block; events are handed on with the badges behind their batch."""
        if "retry" in fields:
            self._retry = int(fields["retry"]) / 1000
        kind = fields.get("event")
        if kind is None:
            return
        data = json.loads(fields["data"])
        if kind == "close":
            raise Gone(f"close {data['code']}", comes_back(data["code"], data["retry"]))
        if kind == "badges":
            if self._batch:
                events, self._batch = self._batch, []
                yield Batch(events, events[-1]["seq"], None, data)
        elif kind == "reset":
            before, self._epoch = self._epoch, data["epoch"]
            yield Reset(data["epoch"], data["latest"], before)
        elif fields.get("id") != str(data.get("seq")) or kind != data.get("kind"):
            raise Broken(f"a block with the fields {fields}")
        else:
            self._batch.append(data)

    def cut_in_the_middle(self, stand: Stand, patience: float) -> bool | None:
        if not self._body.is_readable(patience):
            return None
        is_cut = self._body.read_some(self.lots.randint(1, 40))
        self.asker.cut()
        return is_cut

    def leave(self) -> None:
        self.asker.close()


class _Body:
    """An answer's body that does not end, of one piece or in chunks."""

    def __init__(self, wire: Wire, is_chunked: bool) -> None:
        self._wire = wire
        self._is_chunked = is_chunked
        self._text = b""

    def is_readable(self, patience: float) -> bool:
        return b"\n\n" in self._text or self._wire.is_readable(patience)

    def read_block(self) -> str:
        """Raises Ended."""
        while b"\n\n" not in self._text:
            self._more()
        block, _, self._text = self._text.partition(b"\n\n")
        return block.decode()

    def read_some(self, size: int) -> bool:
        """Read so many bytes or what there is; whether that is a part of a block and not the whole."""
        try:
            while len(self._text) < size:
                self._more()
        except (Ended, OSError) as error:
            raise Gone(kind_of(error)) from error
        return not self._text[:size].endswith(b"\n\n")

    def _more(self) -> None:
        if not self._is_chunked:
            self._text += self._wire.read_available()
            return
        size = int(self._wire.read_until(b"\r\n"), 16)
        self._text += self._wire.read(size)
        self._wire.read(2)
        if size == 0:
            raise Ended


def _fields(block: str) -> dict[str, str]:
    """The fields of a block; comments are left out."""
    lines = (line.partition(":") for line in block.splitlines())
    return {name: value.removeprefix(" ") for name, _, value in lines if name}
