"""`python -m bench.reloads`: what clients and requests meet while uWSGI's workers are replaced again and again.

The stack as it is deployed, 1,000 clients that follow over WebSocket, event stream and long poll, each checking its
cursor, and 50 requests a second on kept connections, sends and polls by halves. To hold: no request fails, no
connection is cut, nothing is lost or doubled. Its clients are greenlets of one process.
"""

from __future__ import annotations

# ruff: noqa: E402 - gevent's patch must run before anything else is imported
from gevent import monkey

monkey.patch_all()

import argparse
import base64
import json
import os
import random
import resource
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent

from stack import Stack
from stack.program import ROOT

#: People who have the clients; each writes to the next one.
USERS = 100
#: Of ten clients so many are of each kind.
WAYS = ("websocket",) * 7 + ("long_poll",) * 2 + ("stream",)
#: Kept connections that send requests, and how many each sends in a second.
REQUESTERS, EACH = 10, 5
SETTINGS = {"RATE_LIMITS": "off", "MAX_CLIENTS_PER_USER": "0", "MAX_CLIENTS_PER_ADDRESS": "0"}


class Seen:
    """What everybody met. `told` is as it should be, `wrong` is not."""

    def __init__(self) -> None:
        self.told: Counter[str] = Counter()
        self.wrong: Counter[str] = Counter()
        self.answers: Counter[int] = Counter()
        self.seconds: list[float] = []
        #: events of each inbox, as far as sends were acknowledged
        self.due: Counter[str] = Counter()
        #: nothing more is sent; and nobody follows any more
        self.is_quiet = self.is_over = False


class Wire:
    """One connection to nginx."""

    def __init__(self, port: int, token: str) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.file = self.sock.makefile("rb")
        self._head = f"Host: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"

    def ask(self, method: str, path: str, more: str = "", body: bytes = b"") -> tuple[int, dict[str, str]]:
        """Status and headers of the answer; its body is still to be read. Raises EOFError where there is none."""
        self.sock.sendall(f"{method} {path} HTTP/1.1\r\n{self._head}{more}\r\n".encode() + body)
        line = self.file.readline()
        if not line:
            raise EOFError("no answer")
        headers = {}
        while head := self.file.readline().decode().strip():
            name, _, value = head.partition(":")
            headers[name.lower()] = value.strip()
        return int(line.split()[1]), headers

    def get(self, method: str, path: str, data: Any = None) -> tuple[int, dict[str, str], bytes]:
        body = b"" if data is None else json.dumps(data).encode()
        more = "" if data is None else f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        status, headers = self.ask(method, path, more, body)
        return status, headers, self.file.read(int(headers.get("content-length", 0)))

    def close(self) -> None:
        self.file.close()
        self.sock.close()


class Follower:
    """One client that comes back whenever it is told to."""

    def __init__(self, way: str, user: str, token: str, port: int, seen: Seen) -> None:
        self.way, self.user, self.token, self.port, self.seen = way, user, token, port, seen
        self.cursor = 0

    def run(self) -> None:
        while not self.seen.is_over:
            wire = Wire(self.port, self.token)
            try:
                wait: float = getattr(self, self.way)(wire)
            except (OSError, EOFError, ValueError, KeyError) as error:
                if self.seen.is_over:
                    return
                self.seen.wrong[f"{self.way}: {error or type(error).__name__}"] += 1
                wait = 0.5
            finally:
                wire.close()
            gevent.sleep(wait)

    def take(self, events: list[dict[str, Any]]) -> None:
        for event in events:
            if event["seq"] != self.cursor + 1:
                self.seen.wrong[f"{self.way}: {event['seq'] - self.cursor - 1:+d} events"] += 1
            self.cursor = event["seq"]

    def long_poll(self, wire: Wire) -> float:
        status, _headers, body = wire.get("GET", f"/messages/long-poll?seq={self.cursor}&timeout=20")
        if status != 200:
            raise ValueError(f"status {status}")
        answer = json.loads(body)
        self.take(answer["events"])
        return 0.0 if answer["events"] else random.uniform(0, 0.3)

    def websocket(self, wire: Wire) -> float:
        key = base64.b64encode(os.urandom(16)).decode()
        more = f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
        status, _headers = wire.ask("GET", f"/ws?seq={self.cursor}", more)
        if status != 101:
            raise ValueError(f"status {status}")
        for opcode, payload in _frames(wire):
            if opcode == 1:
                self.take(json.loads(payload).get("events", []))
            elif opcode == 9:
                wire.sock.sendall(bytes((0x8A, 0x80)) + bytes(4))
            elif opcode == 8:
                code, reason = struct.unpack("!H", payload[:2])[0], payload[2:].decode()
                wire.sock.sendall(bytes((0x88, 0x82)) + bytes(4) + payload[:2])
                self.seen.told[f"websocket: close {code}"] += 1
                return float(reason.removeprefix("retry="))
        raise EOFError("cut")

    def stream(self, wire: Wire) -> float:
        status, headers = wire.ask("GET", f"/messages/stream?seq={self.cursor}")
        if status != 200:
            raise ValueError(f"status {status}")
        name = ""
        for line in _lines(wire, "chunked" in headers.get("transfer-encoding", "")):
            field, _, value = line.partition(b": ")
            if field == b"event":
                name = value.decode()
            elif field == b"data" and name == "close":
                said = json.loads(value)
                self.seen.told[f"stream: close {said['code']}"] += 1
                return float(said["retry"])
            elif field == b"data" and name not in ("badges", "snapshot"):
                self.take([json.loads(value)])
        raise EOFError("cut")


def _frames(wire: Wire) -> Iterator[tuple[int, bytes]]:
    """Frames of a server: not masked, not fragmented."""
    while len(head := wire.file.read(2)) == 2:
        size = head[1]
        if size == 126:
            size = struct.unpack("!H", wire.file.read(2))[0]
        elif size == 127:
            size = struct.unpack("!Q", wire.file.read(8))[0]
        yield head[0] & 0x0F, wire.file.read(size)


def _lines(wire: Wire, is_chunked: bool) -> Iterator[bytes]:
    rest = b""
    while True:
        if is_chunked:
            size = int(wire.file.readline() or b"0", 16)
            data = wire.file.read(size) if size else b""
            wire.file.readline()
        else:
            data = wire.file.read1(65536)  # type: ignore[attr-defined]  # what makefile gives has it
        if not data:
            return
        *lines, rest = (rest + data).split(b"\n")
        yield from lines


def request_again_and_again(port: int, tokens: dict[str, str], seen: Seen) -> None:
    """On one kept connection after the other, each of a user drawn by lot."""
    users = list(tokens)
    while not seen.is_quiet:
        at = random.randrange(len(users))
        sender, to = users[at], users[(at + 1) % len(users)]
        wire = Wire(port, tokens[sender])
        try:
            for _ in range(20):
                began = time.perf_counter()
                if random.random() < 0.5:
                    message = {"to": to, "body": "hi", "key": os.urandom(8).hex()}
                    status, headers, _body = wire.get("POST", "/messages", message)
                    seen.due.update({to: 1, sender: 1} if status == 201 else {})
                else:
                    status, headers, _body = wire.get("GET", "/messages/poll?seq=0&limit=1")
                seen.seconds.append(time.perf_counter() - began)
                seen.answers[status] += 1
                gevent.sleep(1 / EACH)
                if seen.is_quiet or headers.get("connection", "").lower() == "close":
                    break
        except (OSError, EOFError, ValueError) as error:
            seen.wrong[f"request: {error or type(error).__name__}"] += 1
        finally:
            wire.close()


def replace_workers(stack: Stack) -> float:
    """One chain reload; how many seconds it took."""
    before, began = set(stack.uwsgi.worker_pids()), time.monotonic()
    done = stack.uwsgi.count_reloads()
    stack.uwsgi.reload()
    while stack.uwsgi.count_reloads() == done or set(stack.uwsgi.worker_pids()) & before:
        if time.monotonic() - began > 120:
            raise RuntimeError("the workers were not replaced within 120 s")
        gevent.sleep(0.5)
    return time.monotonic() - began


def main() -> int:
    asked = _arguments()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        stack = Stack(folder, environ={f"MYAPP_{key}": value for key, value in SETTINGS.items()}, router=asked.router)
        stack.start()
        try:
            seen, behind = _run(stack, folder, asked)
        finally:
            stack.kill()
    latencies = sorted(seen.seconds)
    p99 = latencies[int(len(latencies) * 0.99)]
    print(f"requests: {dict(seen.answers)}, p99 {p99 * 1000:.0f} ms, slowest {latencies[-1] * 1000:.0f} ms")
    print(f"clients were told: {dict(seen.told)}")
    print(f"went wrong: {dict(seen.wrong) or 'nothing'}; clients that lack events in the end: {behind}")
    return 1 if seen.wrong or behind or set(seen.answers) - {200, 201} else 0


def _run(stack: Stack, folder: Path, asked: argparse.Namespace) -> tuple[Seen, int]:
    file = folder / "tokens"
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "seed", "--users", str(USERS), "--tokens-out", str(file)]
    subprocess.run(command, cwd=ROOT, env=stack.environ, check=True, stdout=subprocess.DEVNULL)
    tokens = dict(line.split() for line in file.read_text().splitlines())
    users, seen, port = list(tokens), Seen(), stack.nginx.port
    followers = [
        Follower(WAYS[at % 10], users[at % USERS], tokens[users[at % USERS]], port, seen) for at in range(asked.clients)
    ]
    for follower in followers:
        gevent.spawn(follower.run)
    gevent.sleep(3 + asked.clients / 500)
    for _ in range(REQUESTERS):
        gevent.spawn(request_again_and_again, port, tokens, seen)
    for number in range(asked.reloads):
        gevent.sleep(2)
        taken = replace_workers(stack)
        print(f"reload {number + 1}: both workers replaced within {taken:.1f} s", flush=True)
    gevent.sleep(2)
    seen.is_quiet = True
    gevent.sleep(2)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and any(one.cursor < seen.due[one.user] for one in followers):
        gevent.sleep(0.1)
    seen.is_over = True
    return seen, sum(one.cursor != seen.due[one.user] for one in followers)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.reloads", description=__doc__)
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--reloads", type=int, default=3)
    parser.add_argument("--router", action="store_true", help="through uWSGI's router, not by its own protocol")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
