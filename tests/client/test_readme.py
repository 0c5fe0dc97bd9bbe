"""The README's examples do what they say, as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ..servers.someone import Someone, Three
from ..support import BIN, ROOT, AppServer
from .test_systems import new_system

README = (ROOT / "clients" / "python" / "README.md").read_text()
PYTHON = re.findall(r"^```python\n(.*?)^```", README, re.M | re.S)
SHELL = re.findall(r"^```sh\n(.*?)^```", README, re.M | re.S)


def environ(who: Someone) -> dict[str, str]:
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    more = {"MYAPP_URL": who.server.url, "MYAPP_TOKEN": who.token, "PYTHONUNBUFFERED": "1", "PATH": path}
    return {**os.environ, **more}


def lines_of(command: list[str], who: Someone, count: int, cwd: Path | None = None) -> list[str]:
    """What it prints first; examples that follow go on for ever."""
    with subprocess.Popen(command, env=environ(who), stdout=subprocess.PIPE, text=True, cwd=cwd) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(count)]
        process.kill()
    return lines


def test_there_are_examples_of_each_kind() -> None:
    assert (len(PYTHON), len(SHELL)) == (4, 2)


def test_the_example_of_sending_sends(three: Three) -> None:
    code = PYTHON[0].replace('"bob"', repr(three.bob.name))
    done = subprocess.run(
        [sys.executable, "-c", code], env=environ(three.alice), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "There is no user named 'nobody-of-this-name'" in done.stdout
    assert [event["data"]["body"] for event in three.bob.poll()["events"]] == ["The build is green."]


def test_the_examples_of_tasks_show_tasks(server: AppServer, three: Three, tmp_path: Path) -> None:
    env = environ(Someone(server, "shop", new_system(server)[1]))
    name = three.bob.name
    for command in (
        [sys.executable, "-c", PYTHON[1].replace('"bob"', repr(name))],
        ["sh", "-ec", SHELL[0].replace(" bob ", f" {name} ")],
    ):
        done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
    states = [(one["title"], one["state"], one["result_url"]) for one in three.bob.get("/tasks").json()["tasks"]]
    report = ("Nightly report", "done", "https://shop.example/reports/7")
    assert states == [("Nightly backup", "done", None), report]


@pytest.mark.parametrize("code", PYTHON[2:], ids=["sync", "async"])
def test_the_examples_of_following_follow(three: Three, code: str) -> None:
    three.alice.send(three.bob, "hi")
    line, *_ = lines_of([sys.executable, "-c", code], three.bob, 1)
    assert line.startswith("1 message {") and "'body': 'hi'" in line


def test_the_command_lines_work(three: Three, tmp_path: Path) -> None:
    script = SHELL[1].replace(" bob ", f" {three.bob.name} ")
    lines = lines_of(["bash", "-ec", f"{script.rstrip()}"], three.alice, 2, tmp_path)
    assert f'"name": "{three.alice.name}"' in lines[0]
    assert '"body":"The build is green."' in lines[1]


def test_every_name_of_the_package_that_it_mentions_is_there() -> None:
    import myapp_client

    named = set(re.findall(r"`([A-Z][A-Za-z]+)`", README)) - {"GET", "INFO", "TITLE"}
    assert {name for name in named if not hasattr(myapp_client, name)} <= {"MYAPP"}
