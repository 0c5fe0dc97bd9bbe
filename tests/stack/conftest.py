"""One stack for all tests here: nginx, uWSGI with two workers, Redis, PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from stack import Stack

from ..support import ROOT

NO_LIMITS = {
    "MYAPP_RATE_LIMITS": "off",
    "MYAPP_MAX_CLIENTS_PER_USER": "0",
    "MYAPP_MAX_CLIENTS_PER_ADDRESS": "0",
}


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("stack"), environ=NO_LIMITS, fsync=False).start()
    yield stack
    stack.kill()


@pytest.fixture(scope="session")
def tokens(stack: Stack) -> list[str]:
    """Of u1 to u4."""
    file = stack.folder / "tokens"
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "seed", "--users", "4", "--tokens-out", str(file)]
    subprocess.run(command, cwd=ROOT, env=stack.environ, check=True, capture_output=True)
    return [line.split()[1] for line in file.read_text().splitlines()]
