"""kill -9 of the programs, and their return."""

from __future__ import annotations

import os
import random
import signal
import socket
from abc import abstractmethod

from stack import Nginx, Postgres, Redis

from .fault import Fault, NoEffect, Params


class KillWorker(Fault):
    """kill -9 of one of uWSGI's workers; the master starts another one."""

    kind = "kill-worker"
    takes = 12.0

    @classmethod
    def draw(cls, lots: random.Random) -> Params:
        return {"seconds": 5.0, "worker": lots.randrange(100)}

    def inject(self) -> None:
        self._before, self._loaded = self.world.stack.uwsgi.worker_pids(), self.world.loaded
        self._pid = self._before[int(self.params["worker"]) % len(self._before)]
        os.kill(self._pid, signal.SIGKILL)

    def is_healed(self) -> bool:
        pids = self.world.stack.uwsgi.worker_pids()
        is_replaced = self._pid not in pids and len(pids) == len(self._before)
        return is_replaced and self.world.loaded > self._loaded and super().is_healed()

    def effect(self) -> dict[str, object]:
        now = self.world.stack.uwsgi.worker_pids()
        new = sorted(set(now) - set(self._before))
        if self._pid in now or not new:
            raise NoEffect(f"worker {self._pid} was killed; the workers are {now}")
        return {"killed": self._pid, "new": new}


class KillProgram(Fault):
    """kill -9 of a program with all its processes; it is started again after some seconds."""

    @property
    @abstractmethod
    def program(self) -> Nginx | Postgres | Redis:
        """Which one."""

    @classmethod
    def draw(cls, lots: random.Random) -> Params:
        return {"seconds": round(lots.uniform(4, 12), 1)}

    def inject(self) -> None:
        self._pid = self.program.pid
        self._refused = 0
        self.program.kill()

    def watch(self) -> None:
        try:
            socket.create_connection(("127.0.0.1", self.program.port), timeout=1).close()
        except ConnectionRefusedError:
            self._refused += 1

    def heal(self) -> None:
        if not self.program.is_running:
            self.program.start()

    def effect(self) -> dict[str, object]:
        if not self._refused or self.program.pid == self._pid:
            raise NoEffect(f"{self._refused} connections were refused; the process is {self.program.pid}")
        return {"refused": self._refused, "killed": self._pid, "new": self.program.pid}


class KillRedis(KillProgram):
    kind = "kill-redis"

    @property
    def program(self) -> Redis:
        return self.world.stack.redis


class KillPostgres(KillProgram):
    kind = "kill-postgres"

    @property
    def program(self) -> Postgres:
        return self.world.stack.postgres


class KillNginx(KillProgram):
    kind = "kill-nginx"

    @property
    def program(self) -> Nginx:
        return self.world.stack.nginx
