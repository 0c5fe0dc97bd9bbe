"""The far ends of many parked clients, held by a process of their own: one has too few descriptors for both ends.

`python -m tests.unit.far_ends FD` is that process. Over the socket FD come descriptors, a byte of flags for each, and
the word that asks what has arrived; the answer goes to its standard output.
"""

from __future__ import annotations

import pickle
import socket
import subprocess
import sys
from typing import Any, NamedTuple

from ..support import ROOT
from . import wire

#: Descriptors in one message; the kernel takes 253.
MOST = 200
#: Flags: says nothing by itself, answers each Ping.
SILENT, ANSWERING = 0, 1
ASK = b"ask"
PING, PONG = b"\x89\x00", wire.masked(b"", wire.PONG)


class Arrived(NamedTuple):
    """What arrived at one far end since it was asked last, and whether the connection is over."""

    data: bytes
    is_ended: bool


class FarEnds:
    """The other process, as the tests see it."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [sys.executable, "-m", "tests.unit.far_ends", str(theirs.fileno())]
        self._control = ours
        self._process: Any = subprocess.Popen(
            command, cwd=ROOT, pass_fds=[theirs.fileno()], stdout=subprocess.PIPE, start_new_session=True
        )
        theirs.close()
        self._waiting: list[tuple[int, socket.socket]] = []

    def new(self, flags: int = SILENT) -> int:
        """A new connection: its near end, not blocking. The far ends are numbered in this order."""
        near, far = socket.socketpair()
        near.setblocking(False)
        self._waiting.append((flags, far))
        if len(self._waiting) == MOST:
            self._send()
        return near.detach()

    def ask(self) -> list[Arrived]:
        """What has arrived at each of them since."""
        self._send()
        self._control.send(ASK)
        return [Arrived(*one) for one in pickle.load(self._process.stdout)]

    def close(self) -> None:
        self._control.close()
        self._process.stdout.close()
        self._process.wait(20)

    def _send(self) -> None:
        if self._waiting:
            flags = bytes(flag for flag, _ in self._waiting)
            socket.send_fds(self._control, [flags], [far.fileno() for _, far in self._waiting])
            for _, far in self._waiting:
                far.close()
            self._waiting.clear()


def _take(far: socket.socket, is_answering: bool) -> Arrived:
    data = b""
    while True:
        try:
            chunk = far.recv(65536)
        except BlockingIOError:
            break
        except ConnectionResetError:
            chunk = b""
        if not chunk:
            return Arrived(data, True)
        data += chunk
    if is_answering and PING in data:
        far.send(PONG)
    return Arrived(data, False)


def main(fd: int) -> None:
    control = socket.socket(fileno=fd)
    ends: list[tuple[socket.socket, bool]] = []
    while True:
        flags, fds, _, _ = socket.recv_fds(control, MOST, MOST)
        if fds:
            ends += [(socket.socket(fileno=far), flag == ANSWERING) for flag, far in zip(flags, fds, strict=True)]
            for far, _is_answering in ends[-len(fds) :]:
                far.setblocking(False)
        elif flags == ASK:
            pickle.dump([tuple(_take(*end)) for end in ends], sys.stdout.buffer)
            sys.stdout.buffer.flush()
        else:
            return


if __name__ == "__main__":
    main(int(sys.argv[1]))
