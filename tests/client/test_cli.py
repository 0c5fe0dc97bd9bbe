"""`myapp-client`: what it prints, where it goes on, and how it ends."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import signal
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, cast

import pytest

from myapp_client import Client, Cursor, Event
from myapp_client.cli import main
from myapp_client.command import run as run_command
from myapp_client.cursor_file import CursorFile
from myapp_client.events import event_of
from myapp_client.lines import as_json, as_text

from ..servers.someone import Someone, Three, people_of
from ..support import BIN, ROOT, AppServer, free_port, wait_for
from .failing import FailingServer, answer, problem
from .test_systems import new_system

PROGRAM = str(BIN / "myapp-client")


def environ(url: str, token: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MYAPP_")}
    return {**kept, "MYAPP_URL": url, "MYAPP_TOKEN": token}


def run(url: str, token: str, *args: str, **options: Any) -> subprocess.CompletedProcess[str]:
    env = environ(url, token)
    return subprocess.run([PROGRAM, *args], env=env, capture_output=True, text=True, timeout=60, **options)


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


Call = Callable[..., Done]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Call]:
    """What `run` does, in this process, where it does not matter that it is one of its own."""
    log = logging.getLogger("myapp_client")
    level = log.level

    def call(url: str, token: str, *args: str) -> Done:
        monkeypatch.setenv("MYAPP_URL", url)
        monkeypatch.setenv("MYAPP_TOKEN", token)
        try:
            status = main(args)
        except SystemExit as end:
            status = cast(int, end.code)
        return Done(status, *capsys.readouterr())

    yield call
    log.setLevel(level)


class Running:
    """`myapp-client follow` in the background."""

    def __init__(self, who: Someone, *args: str) -> None:
        self.process = subprocess.Popen(
            [PROGRAM, "follow", *args],
            env=environ(who.server.url, who.token),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def unread(self) -> int:
        """How many bytes are in the pipe."""
        assert self.process.stdout is not None
        count = fcntl.ioctl(self.process.stdout.fileno(), termios.FIONREAD, bytes(4))
        return int.from_bytes(count, sys.byteorder)

    def end(self, number: int) -> tuple[int, str]:
        """Its exit status and what it has said on stderr."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> tuple[int, str]:
        _, said = self.process.communicate(timeout=60)
        return self.process.returncode, said

    def kill_9(self) -> list[str]:
        """The lines that were out and not yet read."""
        self.process.kill()
        assert self.process.stdout is not None
        return self.process.stdout.readlines()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def running() -> Iterator[list[Running]]:
    started: list[Running] = []
    yield started
    for each in started:
        each.kill()


# -- tell, announce, me


def test_me_says_who_one_is(three: Three) -> None:
    done = run(three.bob.server.url, three.bob.token, "me")
    assert json.loads(done.stdout) == {"name": three.bob.name, "display_name": three.bob.name, "via": "token"}


def test_tell_by_a_users_token_sends_a_message_once_for_a_key(three: Three, call: Call) -> None:
    url = three.bob.server.url
    for _ in range(2):
        assert call(url, three.alice.token, "tell", three.bob.name, "hi", "--key", "k") == (0, "", "")
    assert [event["data"]["body"] for event in three.bob.poll()["events"]] == ["hi"]


def test_tell_by_a_users_token_has_no_badge(three: Three, call: Call) -> None:
    url, token = three.bob.server.url, three.alice.token
    done = call(url, token, "tell", three.bob.name, "hi", "--badge", "b", "--url", "/x")
    assert done.returncode == 2
    assert "--url, --badge: only notifications" in done.stderr


def test_tell_by_a_systems_token_notifies(failing: FailingServer, call: Call) -> None:
    me = answer(200, {"name": "ci", "via": "system", "display_name": "CI"})
    failing.script = [me, answer(202, {"accepted": 1, "unknown": []})]
    done = call(
        failing.url, "t", "tell", "bob", "Green", "--body", "b", "--url", "/7", "--badge", "builds", "--key", "k"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert failing.asked[1].body == {
        "to": "bob", "title": "Green", "body": "b", "url": "/7", "badge": "builds", "key": "k",
    }  # fmt: skip


def test_tell_names_whom_nobody_knows(failing: FailingServer, call: Call) -> None:
    me = answer(200, {"name": "ci", "via": "system", "display_name": "CI"})
    failing.script = [me, answer(202, {"accepted": 0, "unknown": ["eve"]})]
    done = call(failing.url, "t", "tell", "eve", "Green")
    assert (done.returncode, done.stderr) == (1, "myapp-client: nobody is called eve\n")


def test_announce_prints_the_id(failing: FailingServer, call: Call) -> None:
    failing.script = [answer(202, {"id": 3})]
    assert call(failing.url, "t", "announce", "Maintenance", "--body", "at noon").stdout == "3\n"
    assert failing.asked[0].body["title"] == "Maintenance"


def test_tell_raises_a_badge_by_the_token_of_a_real_system(server: AppServer, three: Three, call: Call) -> None:
    done = call(server.url, new_system(server)[1], "tell", three.bob.name, "Backup done", "--badge", "backups")
    assert done.returncode == 0, done.stderr
    assert three.bob.get("/badges").json()["badges"]["backups"] == 1


def test_cron_job_of_the_docs_tells_once_a_day(server: AppServer, three: Three, tmp_path: Path) -> None:
    """The script in docs/adopt.md, as it stands there."""
    text = (ROOT / "docs" / "adopt.md").read_text()
    lines = text[text.index("#!/bin/sh") :].split("\n\n")[0].splitlines()
    script = "\n".join(line.strip() for line in lines)
    script = script.replace("http://127.0.0.1:8000", server.url).replace("bob", three.bob.name)
    (tmp_path / "shop.token").write_text(new_system(server)[1] + "\n")
    for _ in range(2):
        done = subprocess.run(["sh", "-c", script], env={"HOME": str(tmp_path)}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert three.bob.get("/badges").json()["badges"]["notifications"] == 1


# -- commands as tasks


def tasks_of(someone: Someone) -> list[Any]:
    found: list[Any] = someone.get("/tasks").json()["tasks"]
    return found


@pytest.mark.parametrize(
    ("script", "status", "state", "error"),
    [
        ("echo out; echo err >&2", 0, "done", None),
        ("echo first >&2; echo The disk is full. >&2; exit 3", 3, "failed", "exit status 3: The disk is full."),
        ("kill -9 $$", 137, "failed", "ended by SIGKILL"),
    ],
)
def test_command_is_shown_as_a_task_and_says_what_it_says(
    server: AppServer, three: Three, script: str, status: int, state: str, error: str | None
) -> None:
    args = ["task", three.bob.name, "Backup", "--kind", "backup", "--", "sh", "-c", script]
    done = run(server.url, new_system(server)[1], *args)
    said = subprocess.run(["sh", "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (status, said.stdout, said.stderr)
    [shown] = tasks_of(three.bob)
    assert (shown["title"], shown["kind"], shown["state"], shown["error"]) == ("Backup", "backup", state, error)


def test_command_gets_the_signals_that_would_end_us_and_is_waited_for(server: AppServer, three: Three) -> None:
    script = "trap '' INT; echo up; exec sleep 600"
    command = [PROGRAM, "task", three.bob.name, "Backup", "--", "sh", "-c", script]
    env = environ(server.url, new_system(server)[1])
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "up\n"
        process.send_signal(signal.SIGINT)
        process.terminate()
        assert process.wait(60) == 143
    [shown] = tasks_of(three.bob)
    assert (shown["state"], shown["error"]) == ("failed", "ended by SIGTERM")


def test_command_whose_task_is_cancelled_is_ended(failing: FailingServer) -> None:
    cancelled = answer(200, {"id": 7, "state": "cancelled", "progress": 0})
    failing.script = [answer(201, {"id": 7, "state": "running", "progress": 0}), problem(409, "Cancelled."), cancelled]
    complaints: list[str] = []
    with Client(failing.url, "t") as client:
        task = client.task("bob", "Backup")
        task._core._timeout = 0.3  # so the next sign of life is due in 100 ms
        assert run_command(task, ["sleep", "600"], complaints.append) == 143
    assert (complaints, len(failing.asked)) == ([], 3)


def test_command_is_run_also_where_it_cannot_be_shown(failing: FailingServer, call: Call, tmp_path: Path) -> None:
    failing.script = [problem(403, "This token may not do that.")]
    done = call(failing.url, "t", "task", "bob", "Backup", "--", "touch", str(tmp_path / "backup"))
    assert (done.returncode, (tmp_path / "backup").exists()) == (0, True)
    assert done.stderr == "myapp-client: the task cannot be shown: This token may not do that.\n"


def test_command_that_there_is_not_is_said_and_shown(failing: FailingServer, call: Call) -> None:
    failing.script = [answer(201, {"id": 7, "state": "running", "progress": 0})]
    done = call(failing.url, "t", "task", "bob", "Backup", "--", "/nonexistent/backup", "--", "-x")
    assert (done.returncode, "/nonexistent/backup: No such file" in done.stderr) == (127, True)
    said = {"state": "failed", "error": "/nonexistent/backup: No such file or directory"}
    assert failing.asked[-1].body == said


# -- what goes wrong


@pytest.mark.parametrize(
    ("said", "status", "text"),
    [
        (problem(401, "No such token."), 3, "make a new one"),
        (problem(403, "Only systems may."), 3, "myapp-client: Only systems may.\n"),
        (problem(404, "There is no user named 'x'."), 1, "There is no user named 'x'."),
        (problem(422, "title: is blank", {"title": "is blank"}), 1, "  title: is blank"),
        (problem(503, "Full.", Retry_After="600"), 4, "Try again after 600 s"),
        ((404, {}, b""), 1, "Look at MYAPP_URL"),
        ((200, {}, b"<html>"), 1, "was answered with something else"),
    ],
)
def test_each_refusal_has_its_status_and_says_what_to_do(
    failing: FailingServer, call: Call, said: Any, status: int, text: str
) -> None:
    failing.script = [said]
    done = call(failing.url, "t", "announce", "x")
    assert (done.returncode, done.stdout) == (status, "")
    assert text in done.stderr


@pytest.mark.parametrize(
    ("url", "token", "args", "text"),
    [
        ("", "t", ["me"], "set MYAPP_URL"),
        ("http://127.0.0.1:1", "", ["me"], "set MYAPP_TOKEN"),
        ("http://127.0.0.1:1", "", ["task", "bob", "Backup", "--", "true"], "`flask systems token NAME`"),
        ("nonsense", "t", ["me"], "url: give the address"),
        ("http://h:abc", "t", ["me"], "url: give an address"),
        ("http://127.0.0.1:1", "", ["--token-file", "/nonexistent/token", "me"], "/nonexistent/token"),
        ("http://127.0.0.1:1", "t", ["follow", "--since", "yesterday"], "--since"),
        ("http://127.0.0.1:1", "t", ["follow", "--cursor-file", "/nonexistent/cursor"], "make the folder /nonexistent"),
        ("http://127.0.0.1:1", "t", ["task", "bob", "Backup", "--"], "COMMAND"),
        ("http://127.0.0.1:1", "t", [], "COMMAND"),
    ],
)
def test_wrong_use_is_said_before_anything_is_asked(
    call: Call, url: str, token: str, args: list[str], text: str
) -> None:
    done = call(url, token, *args)
    assert done.returncode == 2
    assert text in done.stderr


def test_address_and_token_may_be_given_before_and_behind_the_command(three: Three, call: Call, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{three.bob.token}\n")
    given = ["--url", three.bob.server.url, "--token-file", str(tmp_path / "token")]
    for args in ([*given, "me"], ["me", *given]):
        assert json.loads(call("", "", *args).stdout)["name"] == three.bob.name


def test_it_is_a_module_too(three: Three) -> None:
    command = [sys.executable, "-m", "myapp_client", "me"]
    env = environ(three.bob.server.url, three.bob.token)
    assert subprocess.run(command, env=env, capture_output=True, text=True, timeout=60).returncode == 0


# -- follow


def test_follow_prints_a_line_for_each_event_as_it_comes(three: Three, running: list[Running]) -> None:
    three.alice.send(three.bob, "one\ntwo \x1b[31m")
    running.append(Running(three.bob, "--since", "0"))
    line = running[0].line()
    assert line.startswith("1  20") and line.endswith(f"  message  from={three.alice.name}  body=one\\ntwo \\x1b[31m\n")
    three.alice.send(three.bob, "three")
    assert "body=three" in running[0].line()


def test_follow_prints_json_and_only_the_kinds_that_are_asked_for(three: Three, running: list[Running]) -> None:
    sent = three.alice.send(three.bob, "ü")
    assert three.bob.post("/messages/read", {"with": three.alice.name, "upto": sent["id"]}).status == 200
    three.alice.send(three.bob, "two")
    running.append(Running(three.bob, "--since", "0", "--json", "--kind", "read", "task"))
    said = json.loads(running[0].line())
    assert said == three.bob.poll(1)["events"][0]


def test_ctrl_c_and_sigterm_end_it_quietly(three: Three, running: list[Running]) -> None:
    three.alice.send(three.bob, "one")
    for number in (signal.SIGINT, signal.SIGTERM):
        running.append(Running(three.bob, "--since", "0"))
        running[-1].line()
        assert running[-1].end(number) == (130, "")


def test_sigterm_ends_it_while_nobody_takes_what_it_prints(three: Three, running: list[Running]) -> None:
    for number in range(60):
        three.alice.send(three.bob, f"{number} " + "x" * 3000)
    running.append(Running(three.bob, "--since", "0", "--json"))
    wait_for(lambda: running[0].unread() > 40_000, "the pipe to be full")
    assert running[0].end(signal.SIGTERM) == (130, "")


def test_a_closed_pipe_ends_it_quietly_though_no_event_comes(three: Three, running: list[Running]) -> None:
    three.alice.send(three.bob, "one")
    running.append(Running(three.bob, "--since", "0"))
    running[0].line()
    assert running[0].process.stdout is not None
    running[0].process.stdout.close()
    running[0].process.stdout = None
    assert running[0].ended() == (0, "")


def test_a_pipe_that_is_closed_while_it_prints_ends_it_quietly(three: Three) -> None:
    for number in range(30):
        three.alice.send(three.bob, f"{number} " + "x" * 3000)
    script = f"'{PROGRAM}' follow --since 0 | head -n 1 | cut -c1; echo ${{PIPESTATUS[0]}}"
    env = environ(three.bob.server.url, three.bob.token)
    done = subprocess.run(["bash", "-c", script], env=env, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("1\n0\n", "")


def test_after_kill_9_it_goes_on_where_the_cursor_file_says(
    three: Three, running: list[Running], tmp_path: Path
) -> None:
    file = tmp_path / "cursor"
    printed: list[int] = []
    for number in range(2):
        running.append(Running(three.bob, "--json", "--since", "0", "--cursor-file", str(file)))
        for _ in range(3):
            three.alice.send(three.bob, str(number))
            printed.append(json.loads(running[-1].line())["seq"])
        printed += [json.loads(line)["seq"] for line in running[-1].kill_9()]
    three.alice.send(three.bob, "last")
    running.append(Running(three.bob, "--json", "--cursor-file", str(file)))
    while printed[-1] < 7:
        printed.append(json.loads(running[-1].line())["seq"])
    # each at least once; twice only the one at which it was killed
    assert sorted(set(printed)) == list(range(1, 8))
    assert all(after - before in (0, 1) for before, after in zip(printed, printed[1:], strict=False))
    assert set(os.listdir(tmp_path)) <= {"cursor", ".cursor.new"}


def test_what_comes_while_it_is_away_is_not_lost_though_nothing_had_come_before(
    three: Three, running: list[Running], tmp_path: Path
) -> None:
    file = tmp_path / "cursor"
    running.append(Running(three.bob, "--cursor-file", str(file)))
    wait_for(file.exists, "the cursor of its start")
    running[-1].kill()
    three.alice.send(three.bob, "meanwhile")
    running.append(Running(three.bob, "--cursor-file", str(file)))
    assert "body=meanwhile" in running[-1].line()


def test_follow_waits_for_a_server_that_is_away(mortal: AppServer, running: list[Running]) -> None:
    alice, bob, _ = people_of(mortal)
    alice.send(bob, "one")
    mortal.kill()
    running.append(Running(bob, "--since", "0"))
    mortal.start()
    assert "body=one" in running[0].line()


def test_follow_says_that_it_cannot_connect(three: Three, running: list[Running]) -> None:
    running.append(Running(three.bob, "--url", f"http://127.0.0.1:{free_port()}", "--since", "0"))
    assert running[0].process.stderr is not None
    said = running[0].process.stderr.readline()
    assert said.startswith("myapp-client: trying again in ") and "refused" in said


def test_follow_says_that_a_token_does_not_count(three: Three) -> None:
    done = run(three.bob.server.url, "no-such-token", "follow", "--since", "0")
    assert (done.returncode, done.stdout) == (3, "")
    assert "make a new one" in done.stderr


@pytest.mark.parametrize("text", ["", "17", "{}", '{"seq": -1, "epoch": ""}', '{"seq": 1, "epoch": 2}', "\udcff"])
def test_a_file_that_has_no_cursor_is_named(call: Call, tmp_path: Path, text: str) -> None:
    file = tmp_path / "cursor"
    file.write_bytes(text.encode(errors="surrogateescape"))
    done = call(f"http://127.0.0.1:{free_port()}", "t", "follow", "--cursor-file", str(file))
    assert done.returncode == 2
    assert f"{file} has no cursor in it: remove it" in done.stderr


def test_a_cursor_is_written_whole_and_read_back(tmp_path: Path) -> None:
    file = CursorFile(tmp_path / "cursor")
    assert file.read() is None
    for seq in (1, 2):
        file.write(Cursor(seq, "e1"))
        assert file.read() == Cursor(seq, "e1")
    assert os.listdir(tmp_path) == ["cursor"]


def an_event(**data: object) -> Event:
    return event_of({"seq": 7, "kind": "notification", "at": "2026-11-20T09:00:00.000Z", "data": data})


def test_a_line_has_what_people_read_or_else_all_there_is() -> None:
    begin = "7  2026-11-20T09:00:00.000Z  notification  "
    assert as_text(an_event(id=1, source="ci", title="Green", body=None)) == begin + "source=ci  title=Green"
    assert as_text(an_event(kind="message", id=7, **{"with": "bob"})) == begin + "kind=message  id=7  with=bob"
    assert as_text(an_event(post=1, withdrawn=True)) == begin + "post=1  withdrawn=true"


def test_a_line_of_json_is_one_line_whatever_is_in_it() -> None:
    line = as_json(an_event(body="a\nb\u2028c\ud800"))
    assert line.isascii() and line.splitlines() == [line]
    assert json.loads(line)["data"] == {"body": "a\nb\u2028c\ud800"}
