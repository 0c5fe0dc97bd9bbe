"""nginx with the very file that is deployed; only addresses and paths are substituted."""

from __future__ import annotations

import contextlib
import os
import shutil
import urllib.error
import urllib.request
from pathlib import Path

from .program import ROOT, Program, StackError, free_port, is_open

CONFIGURATION = ROOT / "nginx"
#: Where nginx has the results of tasks, for MYAPP_ACCEL_REDIRECT.
LOCATION = "/results-of-tasks/"


class Nginx(Program):
    """nginx in front of `upstream`, a host and port.

    `uwsgi`: by uWSGI's own protocol; else by HTTP.
    """

    name = "nginx"
    executable = "nginx"

    def __init__(
        self, folder: Path, upstream: str, port: int | None = None, host: str = "127.0.0.1", uwsgi: bool = False
    ) -> None:
        super().__init__(folder)
        self.port = port or free_port()
        self.host = host
        self.upstream = upstream
        self.main_file = "nginx-uwsgi.conf" if uwsgi else "nginx.conf"
        self.here = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)
        self.url = f"http://{self.here}:{self.port}"
        self.command = ["nginx", "-p", str(self.home), "-c", str(self.home / self.main_file), "-e", "error.log"]
        #: the folder of the results of tasks
        self.results = ROOT / "instance" / "results"
        #: what else is replaced in its files, once or more
        self.replaced: dict[str, str] = {}

    def prepare(self) -> None:
        if is_open(self.here.strip("[]"), self.port):
            # whoever it is would answer in its place, before nginx gives up
            raise StackError(f"{self.url} is taken: end what listens there, or set MYAPP_PORT to another port")
        replaced = {
            "127.0.0.1:8000": self.upstream,
            "127.0.0.1:8080": f"{self.host}:{self.port}",
            "/srv/myapp/instance/results/": f"{self.results}/",
            "/srv/myapp/": f"{ROOT}/",
            **self.replaced,
        }
        texts = {file: file.read_text() for file in CONFIGURATION.iterdir() if file.suffix == ".conf"}
        for theirs in replaced:
            if not any(theirs in text for text in texts.values()):
                raise StackError(f"the files of {CONFIGURATION} have no {theirs!r} to replace")
        for file, text in texts.items():
            for theirs, ours in replaced.items():
                text = text.replace(theirs, ours)
            if file.name == self.main_file:
                text = self._of_this_process() + text
            (self.home / file.name).write_text(text)
        for folder in ("logs", "temp"):
            shutil.rmtree(self.home / folder, ignore_errors=True)

    def _of_this_process(self) -> str:
        # as root nginx gives its workers to another user, who may not read a checkout in somebody's home
        return "daemon off;\n" + ("user root;\n" if os.geteuid() == 0 else "")

    def answers(self) -> bool:
        """It answers, whatever the application says."""
        try:
            urllib.request.urlopen(f"{self.url}/healthz", timeout=2).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    def log(self) -> str:
        errors = ""
        with contextlib.suppress(FileNotFoundError):
            errors = (self.home / "error.log").read_text(errors="replace")
        return super().log() + errors
