"""Starting: with no settings at all, and with wrong ones."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..support import BIN, PATIENCE, ROOT, AppServer
from .conftest import Servers


class Copy(AppServer):
    """A fresh copy of the application that is started there with nothing but a port set."""

    def __init__(self, kind: str, folder: Path) -> None:
        super().__init__(kind, folder)
        self.home = folder / "copy"
        for name in ("myapp", "migrations", "static", "templates"):
            shutil.copytree(ROOT / name, self.home / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("wsgi.py", "uwsgi.ini"):
            shutil.copy(ROOT / name, self.home)
        self.environ = {name: value for name, value in os.environ.items() if not name.startswith("MYAPP_")}
        self.environ |= {"MYAPP_PORT": str(self.port), "PYTHONPATH": str(self.home)}
        # as `make run` and `uwsgi --ini uwsgi.ini` do it, in the copy
        start = {"pywsgi": f"{sys.executable} wsgi.py", "uwsgi": f"{BIN / 'uwsgi'} --ini uwsgi.ini"}[kind]
        self.command = ["sh", "-c", f"cd {self.home} && exec {start}"]

    @property
    def instance(self) -> Path:
        return self.home / "instance"


@pytest.fixture
def fresh(kind: str, tmp_path: Path) -> Iterator[Copy]:
    copy = Copy(kind, tmp_path)
    yield copy
    copy.kill()
    copy.app.extensions["myapp"].database.close()


def test_without_settings_it_starts_on_a_database_and_a_key_of_its_own_and_keeps_both(fresh: Copy) -> None:
    fresh.start()
    assert (fresh.instance / "myapp.sqlite3").exists()
    with fresh.client() as client:
        assert client.get("/readyz").json()["database"] == "ok"
        assert client.get("/auth/register", headers={"Accept": "text/html"}).status_code == 200
    key = fresh.instance / "secret_key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600, "only its owner can read it"
    secret = key.read_text()
    assert len(secret) >= 32
    assert sorted(path.name for path in fresh.instance.iterdir() if "sqlite3" not in path.name) == ["secret_key"]

    command = [sys.executable, "-m", "flask", "--app", "wsgi", "users", "add", "ann"]
    subprocess.run(command, cwd=fresh.home, env=fresh.environ, check=True, capture_output=True, timeout=30)
    assert fresh.stop() == 0
    fresh.start()
    assert key.read_text() == secret
    again = subprocess.run(command, cwd=fresh.home, env=fresh.environ, capture_output=True, text=True, timeout=30)
    assert again.returncode != 0
    assert "taken" in again.stderr


#: settings that are wrong (None: left out), each of which stderr has to name; tests/unit/test_config.py has each alone
WRONG: dict[str, dict[str, str | None]] = {
    "no-secret-key": {"MYAPP_SECRET_KEY": None},
    "two-workers": {"MYAPP_WORKERS": "2"},
    "many-at-once": {
        "MYAPP_SECRET_KEY": "short",
        "MYAPP_REDIS_URL": "127.0.0.1:6379",
        "MYAPP_DATABASE_URL": "mysql://127.0.0.1/x",
        "MYAPP_ALLOWED_ORIGINS": "friend.example",
        "MYAPP_MAX_CLIENTS": "many",
        "MYAPP_RATE_LIMITS": "perhaps",
    },
}


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_settings_end_the_start_with_the_reason_on_stderr(start: Servers, wrong: str) -> None:
    settings = WRONG[wrong]
    server = start.make()
    env = {name: value for name, value in server.environ.items() if settings.get(name, "") is not None}
    env |= {name: value for name, value in settings.items() if value is not None}
    done = subprocess.run(server.command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode not in (0, None)
    assert [name for name in settings if f"{name} " not in done.stderr] == []


def test_a_port_that_is_taken_ends_the_start_with_the_reason_on_stderr(start: Servers) -> None:
    first = start()
    second = start.make(PORT=str(first.port))
    done = subprocess.run(
        second.command, cwd=ROOT, env=second.environ, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode != 0
    assert str(first.port) in done.stderr
    assert first.metric("myapp_delivered_total") == 0  # it goes on
