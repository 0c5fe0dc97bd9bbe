"""What goes over the wire: WebSocket frames (RFC 6455), their JSON, and the body of a poll's answer. No I/O."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple, Protocol

#: The longest message that a client may send, in bytes; clients only send heartbeats and small commands.
LONGEST_MESSAGE = 4096
#: Seconds between heartbeats that clients are asked for.
HEARTBEAT = 25

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA


class CloseCode(IntEnum):
    """Why a WebSocket is closed, and by that what its client does next (see docs/protocol.md)."""

    NORMAL = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    NO_STATUS = 1005  # never sent: a Close frame without a code
    INVALID_TEXT = 1007
    TOO_BIG = 1009
    RESTARTING = 1012
    BROKE_PROTOCOL = 4400
    NOT_SIGNED_IN = 4401
    NO_HEARTBEAT = 4408
    TOO_SLOW = 4409
    TOO_MANY = 4429


class Event(Protocol):
    """One event: its seq and its JSON text."""

    @property
    def seq(self) -> int: ...
    @property
    def text(self) -> str: ...


class Page(Protocol):
    """What follows a cursor, as the inbox reads it. `badges` is a JSON object's text, standing at `latest`."""

    @property
    def epoch(self) -> str: ...
    @property
    def events(self) -> Sequence[Event]: ...
    @property
    def seq(self) -> int: ...
    @property
    def latest(self) -> int: ...
    @property
    def badges(self) -> str: ...
    @property
    def reset(self) -> bool: ...


class Batch(NamedTuple):
    """Events in order and without holes, `first` to `seq`, ready to be written to any transport."""

    texts: tuple[str, ...]
    first: int
    seq: int
    latest: int
    badges: str


def frame(opcode: int, payload: bytes) -> bytes:
    """One unmasked, final frame (RFC 6455 section 5.2)."""
    size = len(payload)
    if size < 126:
        return bytes((0x80 | opcode, size)) + payload
    if size < 65536:
        return struct.pack("!BBH", 0x80 | opcode, 126, size) + payload
    return struct.pack("!BBQ", 0x80 | opcode, 127, size) + payload


def text_frame(text: str) -> bytes:
    return frame(TEXT, text.encode())


def close_frame(code: int, reason: str = "") -> bytes:
    """A Close frame; `NO_STATUS` makes one without a code, as an answer to such a one."""
    if code == CloseCode.NO_STATUS:
        return frame(CLOSE, b"")
    return frame(CLOSE, struct.pack("!H", code) + reason.encode()[:123])


def hello(page: Page, seq: int) -> bytes:
    """The first frame: where client (`seq`) and inbox stand."""
    return text_frame(
        f'{{"type":"hello","protocol":1,"epoch":{json.dumps(page.epoch)},"seq":{seq},"latest":{page.latest},'
        f'"badges":{page.badges},"heartbeat":{HEARTBEAT}}}'
    )


def events(batch: Batch) -> bytes:
    return text_frame(
        f'{{"type":"events","events":[{",".join(batch.texts)}],"seq":{batch.seq},"latest":{batch.latest},'
        f'"badges":{batch.badges}}}'
    )


def new(seq: int) -> bytes:
    return text_frame(f'{{"type":"new","seq":{seq}}}')


def pong(latest: int) -> bytes:
    return text_frame(f'{{"type":"pong","latest":{latest}}}')


def reset(epoch: str, latest: int) -> bytes:
    return text_frame(_reset(epoch, latest))


def _reset(epoch: str, latest: int) -> str:
    return f'{{"type":"reset","epoch":{json.dumps(epoch)},"latest":{latest}}}'


def error(detail: str) -> bytes:
    return text_frame(_error(detail))


def _error(detail: str) -> str:
    return f'{{"type":"error","detail":{json.dumps(detail)}}}'


def snapshot(topic: str, version: int, data: str) -> bytes:
    return text_frame(_snapshot(topic, version, data))


def _snapshot(topic: str, version: int, data: str) -> str:
    return f'{{"type":"snapshot","topic":{json.dumps(topic)},"version":{version},"data":{data}}}'


def snapshots(many: Iterable[tuple[str, int, str]]) -> str:
    """The JSON object of a poll's answer."""
    members = (f'{json.dumps(topic)}:{{"version":{version},"data":{data}}}' for topic, version, data in many)
    return f"{{{','.join(members)}}}"


def refused_topic(topic: str) -> str:
    """What one is told who may not watch it."""
    return f"There is no topic {topic[:80]!r} that you may watch."


def poll_body(
    epoch: str, batch: Batch, reset: bool, wait: float, snapshots: str = "{}", refused: Sequence[str] = ()
) -> bytes:
    """The answer of both polls; `wait` is after how many seconds to ask again, `refused` are topics not watched."""
    errors = f',"errors":{json.dumps({"watch": " ".join(map(refused_topic, refused))})}' if refused else ""
    return (
        f'{{"epoch":{json.dumps(epoch)},"events":[{",".join(batch.texts)}],"seq":{batch.seq},"latest":{batch.latest},'
        f'"badges":{batch.badges},"snapshots":{snapshots},'
        f'"reset":{"true" if reset else "false"},"next":{wait:g}{errors}}}'
    ).encode()


#: What a stream carries when nothing happens.
STREAM_COMMENT = b":\n\n"


def stream_block(kind: str, data: str) -> str:
    """One event of a stream without an id. JSON has no line breaks outside its texts, where they are escaped."""
    return f"event: {kind}\ndata: {data}\n\n"


def stream_events(batch: Batch) -> bytes:
    """Events with their ids, then the badges, standing at the batch's `latest`."""
    blocks = [f"id: {seq}\nevent: {_kind(text)}\ndata: {text}\n\n" for seq, text in enumerate(batch.texts, batch.first)]
    return "".join((*blocks, stream_block("badges", batch.badges))).encode()


def _kind(text: str) -> str:
    """The kind of an event's text, which begins with seq and kind (see inbox/events.py)."""
    return text.split('"', 6)[5]


def written_at(text: str) -> float:
    """When an event happened, in seconds since 1970, by its text; 0 where that does not say."""
    try:
        return datetime.fromisoformat(text.split('"', 10)[9]).timestamp()
    except (IndexError, ValueError):
        return 0.0


def stream_retry(seconds: float) -> bytes:
    """After how long a client comes back when the stream ends without a word."""
    return b"retry: %d\n\n" % (1000 * seconds)


def stream_reset(epoch: str, latest: int) -> bytes:
    return stream_block("reset", _reset(epoch, latest)).encode()


def stream_snapshot(topic: str, version: int, data: str) -> bytes:
    return stream_block("snapshot", _snapshot(topic, version, data)).encode()


def stream_error(detail: str) -> bytes:
    return stream_block("error", _error(detail)).encode()


def stream_close(code: int, retry: float | None) -> bytes:
    """The last event; `retry` in seconds, None (null) for who shall not come back."""
    if retry is None:
        return stream_block("close", f'{{"code":{code:d},"retry":null}}').encode()
    retry = round(retry, 1)
    block = stream_block("close", f'{{"code":{code:d},"retry":{retry}}}')
    return f"retry: {1000 * retry:.0f}\n{block}".encode()


def batch_of(page: Page) -> Batch:
    texts = tuple(event.text for event in page.events)
    return Batch(texts, page.seq - len(texts) + 1, page.seq, page.latest, page.badges)
