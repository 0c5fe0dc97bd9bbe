"""An event stream as a client reads it (WHATWG HTML section 9.2), one block after the other."""

from __future__ import annotations

import json
from typing import Any, NamedTuple
from urllib.parse import urlencode

from .someone import Someone
from .wire import Answer, Wire, request_bytes


class Block(NamedTuple):
    """The fields of one block; "" where there was none. A block of comments only has none at all."""

    event: str
    data: str
    id: str
    retry: str
    comments: tuple[str, ...]

    def json(self) -> Any:
        return json.loads(self.data)


class EventStream(Wire):
    """A stream whose head has been read into `answer`."""

    answer: Answer

    @classmethod
    def open(
        cls,
        who: Someone,
        seq: int | None = 0,
        headers: dict[str, str] | None = None,
        *,
        receive_buffer: int | None = None,
        **query: object,
    ) -> EventStream:
        """Ask for it; the answer must be a 200."""
        stream = cls(who.port, receive_buffer=receive_buffer)
        asked = urlencode({**({} if seq is None else {"seq": seq}), **query})
        stream.send(request_bytes("GET", f"/messages/stream?{asked}", {**who.headers, **(headers or {})}))
        stream.answer = stream.read_answer("HEAD")  # its body does not end
        assert stream.answer.status == 200, stream.answer
        return stream

    def block(self) -> Block:
        """The next block, whatever it is."""
        fields = {"event": "", "data": "", "id": "", "retry": ""}
        comments: list[str] = []
        for line in self.read_until(b"\n\n").decode().splitlines():
            name, found, value = line.partition(":")
            if not line:
                continue
            assert found, f"a line without a field: {line!r}"
            if not name:
                comments.append(value)
            else:
                assert not fields[name], f"{name} came twice in a block"
                fields[name] = value.removeprefix(" ")
        return Block(**fields, comments=tuple(comments))

    def began(self) -> EventStream:
        """The first block is read; it says when to come back."""
        block = self.block()
        assert block.retry and not block.data, block
        return self

    def next(self) -> Block:
        """The next block that is an event of whatever kind."""
        while not (block := self.block()).data:
            assert not block.id and not block.event
        return block

    def events(self, count: int) -> list[dict[str, Any]]:
        """The next `count` inbox events, and the badges behind each batch of them, which must be there."""
        found: list[dict[str, Any]] = []
        while len(found) < count or (block := self.next()).event != "badges":
            if len(found) < count:
                block = self.next()
            if block.event == "badges":
                assert not block.id
                continue
            event = block.json()
            assert (block.id, block.event) == (str(event["seq"]), event["kind"])
            found.append(event)
            assert len(found) <= count
        return found
