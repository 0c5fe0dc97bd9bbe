"""uWSGI with our uwsgi.ini."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from .program import BIN, ROOT, Program, children, free_port, is_alive, python_path


class Uwsgi(Program):
    """The application under uWSGI, on a free port of 127.0.0.1.

    `router`: by HTTP, through uWSGI's router; else by uWSGI's own protocol, as nginx's `uwsgi_pass` speaks it.
    `environ` is all of the application's settings; only where to listen is added here.
    """

    name = "uwsgi"
    executable = "python"  # the program is a Python script
    stop_patience = 60.0

    def __init__(
        self,
        folder: Path,
        environ: Mapping[str, str],
        port: int | None = None,
        router: bool = False,
        command: list[str] | None = None,
    ) -> None:
        super().__init__(folder)
        self.port = port or free_port()
        self.is_router = router
        self.reload_file = self.home / "reload"
        here = f"127.0.0.1:{self.port}"
        self.environ = {
            **environ,
            "PYTHONPATH": python_path(environ),
            "PYTHONUNBUFFERED": "1",
            "MYAPP_RELOAD_FILE": str(self.reload_file),
            **({"MYAPP_HOST": "127.0.0.1", "MYAPP_PORT": str(self.port)} if router else {"MYAPP_SOCKET": here}),
        }
        self.command = command or [str(BIN / "uwsgi"), "--ini", str(ROOT / "uwsgi.ini")]
        self.workers = int(environ.get("MYAPP_WORKERS") or 1)

    def prepare(self) -> None:
        self.reload_file.touch()

    def answers(self) -> bool:
        """Every worker has loaded the application."""
        return self.log_of_this_run().count("WSGI app 0 (mountpoint='') ready") >= self.workers

    def worker_pids(self) -> list[int]:
        """The living workers, in order of their number."""
        pids = spawned(self.log_of_this_run())
        living = set(children(self.pid))
        return [pids[number] for number in sorted(pids) if pids[number] in living and is_alive(pids[number])]

    def reload(self) -> None:
        """Ask for a chain reload: one worker after the other. Returns at once; meanwhile a second one is ignored."""
        self.reload_file.touch()

    def count_reloads(self) -> int:
        """Chain reloads that are complete, all workers serving again, since the start."""
        return self.log_of_this_run().count("chain reloading complete")


def spawned(log: str) -> dict[int, int]:
    """The process id that each worker, by its number, had last, as uWSGI's log tells it."""
    found = re.findall(r"pawned uWSGI worker (\d+) \((?:new )?pid: (\d+)", log)
    return {int(number): int(pid) for number, pid in found}
