"""`make example`: the shop and myapp behind one nginx, until Ctrl-C. Files under instance/example."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

from stack import StackError
from stack.nginx import Nginx
from stack.program import BIN, ROOT, Program, free_port
from stack.uwsgi import Uwsgi

HERE = Path(__file__).resolve().parent


class Shop(Program):
    """The example's own application."""

    name = "shop"
    executable = "python"

    def __init__(self, folder: Path, port: int, live_url: str, token: str) -> None:
        super().__init__(folder)
        self.port = port
        self.environ |= {"SHOP_SECRET": secrets.token_hex(), "LIVE_URL": live_url, "LIVE_TOKEN": token}
        self.command = [sys.executable, "-m", "flask", "--app", str(HERE / "app.py"), "run", "--port", str(port)]

    def answers(self) -> bool:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=2).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True


class Example:
    """myapp under uWSGI on the embedded database, the shop, and nginx in front of both."""

    def __init__(self, folder: Path, port: int | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder.resolve()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MYAPP_")}
        self.environ = {
            **kept,
            "MYAPP_DATABASE_URL": f"sqlite:///{self.folder / 'myapp.sqlite3'}",
            "MYAPP_SECRET_KEY": secrets.token_hex(32),
        }
        self.uwsgi = Uwsgi(self.folder, self.environ)
        shop_port = free_port()
        self.nginx = Nginx(self.folder, f"127.0.0.1:{self.uwsgi.port}", port, uwsgi=True)
        extra = (HERE / "nginx-shop.conf").read_text().replace("127.0.0.1:5000", f"127.0.0.1:{shop_port}")
        self.nginx.replaced = {"include server.conf;": f"include server.conf;\n{extra}"}
        self.shop_port = shop_port
        self.programs: list[Program] = [self.uwsgi, self.nginx]

    @property
    def url(self) -> str:
        return f"{self.nginx.url}/shop/"

    def start(self) -> Example:
        """Start all of it. Raises StackError."""
        try:
            for program in self.programs:
                program.start()
            self._flask("systems", "add", "shop", "--display-name", "The Shop", is_needed=False)
            scopes = [word for scope in ("notify", "users", "tickets") for word in ("--scope", scope)]
            token = self._flask("systems", "token", "shop", *scopes)
            self.programs.append(Shop(self.folder, self.shop_port, self.nginx.url, token).start())
        except BaseException:
            self.stop()
            raise
        return self

    def _flask(self, *command: str, is_needed: bool = True) -> str:
        environ = {**self.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [str(BIN / "flask"), "--app", "wsgi", *command], cwd=ROOT, env=environ, capture_output=True, text=True
        )
        if done.returncode and is_needed:
            raise StackError(f"flask {' '.join(command)} failed:\n{done.stderr}")
        return done.stdout.strip()

    def stop(self) -> None:
        for program in reversed(self.programs):
            program.stop()


def main() -> int:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        example = Example(ROOT / "instance" / "example", int(os.environ.get("MYAPP_PORT") or 8000)).start()
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"the shop is at {example.url} (Ctrl-C stops it)", flush=True)
    stop.wait()
    example.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
