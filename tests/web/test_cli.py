"""The command line: people, tokens, test data, a restored backup."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import Result

from ..support import PASSWORD, ROOT, environment, sqlite_url
from .conftest import Browser, Program, Site


def run(site: Site, *args: str, typed: str = "") -> Result:
    return site.app.test_cli_runner().invoke(args=list(args), input=typed)


def fails(result: Result, *words: str) -> None:
    assert result.exit_code == 1
    assert all(word in result.output for word in words), result.output
    assert "Traceback" not in result.output


def test_user_is_added_with_an_inbox(both_sites: Site) -> None:
    result = run(both_sites, "users", "add", "Alice")
    assert (result.exit_code, result.output) == (0, "added alice\n")
    assert both_sites.program("alice").get("/messages/poll").get_json()["latest"] == 0


def test_all_that_a_command_has_stored_is_in_the_one_file_when_it_ends(tmp_path: Path, empty_database: Path) -> None:
    """Whoever copies SQLite's file then has it."""
    shutil.copy(empty_database, tmp_path / "test.sqlite3")
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "users", "add", "alice"]
    subprocess.run(command, cwd=ROOT, env=environment(tmp_path, sqlite_url(tmp_path)), check=True, capture_output=True)
    assert [path.name for path in tmp_path.iterdir() if "sqlite" in path.name] == ["test.sqlite3"]


def test_administrator_is_added_as_such(both_sites: Site) -> None:
    assert run(both_sites, "users", "add", "root", "--admin").exit_code == 0
    assert both_sites.program("root").get("/auth/me").get_json()["is_admin"] is True


def test_user_without_a_password_cannot_sign_in(site: Site) -> None:
    run(site, "users", "add", "alice")
    browser = site.guest()
    browser.page("/auth/login")
    assert browser.submit("/auth/login", username="alice", password="").status_code == 422


def test_name_that_is_taken_is_refused(site: Site) -> None:
    run(site, "users", "add", "alice")
    fails(run(site, "users", "add", "ALICE"), "taken")
    assert len(site.rows("users")) == 1


@pytest.mark.parametrize("name", ["", "a b", "-", "x" * 33, "ä"])
def test_name_that_cannot_be_one_is_refused(name: str, site: Site) -> None:
    fails(run(site, "users", "add", "--", name), "letters")
    assert site.rows("users") == []


def test_password_is_read_from_standard_input(both_sites: Site) -> None:
    run(both_sites, "users", "add", "alice")
    result = run(both_sites, "users", "password", "alice", typed=f"{PASSWORD}\n")
    assert result.exit_code == 0
    assert PASSWORD not in result.output
    assert Browser(both_sites.app, "alice").sign_in().get("/auth/me").status_code == 200


def test_new_password_ends_all_sessions(site: Site) -> None:
    browser = site.browser("alice")
    assert run(site, "users", "password", "alice", typed="another password\n").exit_code == 0
    assert browser.get("/auth/me").status_code == 401
    assert Browser(site.app, "alice").sign_in("another password").get("/auth/me").status_code == 200


@pytest.mark.parametrize("password", ["", "short", "x" * 1025])
def test_password_that_breaks_the_rules_is_refused(password: str, site: Site) -> None:
    site.people.add("alice")
    before = site.stored()
    fails(run(site, "users", "password", "alice", typed=password + "\n"), "characters")
    assert site.stored() == before


def test_password_of_nobody_is_refused(site: Site) -> None:
    fails(run(site, "users", "password", "nobody", typed=f"{PASSWORD}\n"), "nobody")


@pytest.mark.parametrize(
    "command", [("users", "password", "nobody"), ("tokens", "create", "nobody"), ("notify", "nobody", "Hi")]
)
def test_who_is_missing_is_to_be_added(command: tuple[str, ...], site: Site) -> None:
    fails(run(site, *command, typed=f"{PASSWORD}\n"), "no user named 'nobody': `flask users add NAME`")


def test_token_is_printed_and_works(both_sites: Site) -> None:
    both_sites.people.add("alice")
    result = run(both_sites, "tokens", "create", "alice", "--label", "backup")
    assert result.exit_code == 0
    token = result.output.strip()
    program = Program(both_sites.app, token)
    assert program.get("/auth/me").get_json()["name"] == "alice"
    assert [item["label"] for item in program.get("/auth/tokens").get_json()["tokens"]] == ["backup"]
    assert token not in repr(both_sites.stored())


def test_token_of_nobody_is_refused(site: Site) -> None:
    fails(run(site, "tokens", "create", "nobody"), "nobody")


def test_new_epoch_is_printed_and_in_force(both_sites: Site) -> None:
    (alice,) = both_sites.programs("alice")
    before = alice.get("/messages/poll").get_json()["epoch"]
    result = run(both_sites, "inbox", "new-epoch")
    assert result.exit_code == 0
    after = alice.get("/messages/poll").get_json()["epoch"]
    assert after == result.output.strip() != before


def test_seed_makes_users_with_tokens_and_the_known_password(both_sites: Site, tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    assert run(both_sites, "seed", "--users", "250", "--tokens-out", str(file)).exit_code == 0
    lines = [line.split(" ") for line in file.read_text().splitlines()]
    assert [name for name, _token in lines] == [f"u{number}" for number in range(1, 251)]
    for name, token in lines[::83]:
        assert Program(both_sites.app, token).get("/auth/me").get_json()["name"] == name
    assert Browser(both_sites.app, "u250").sign_in("password").get("/auth/me").status_code == 200


def test_seed_may_be_repeated(site: Site, tmp_path: Path) -> None:
    for count in ("3", "5"):
        file = tmp_path / count
        assert run(site, "seed", "--users", count, "--tokens-out", str(file)).exit_code == 0
    assert len(site.rows("users")) == 5
    assert len((tmp_path / "5").read_text().splitlines()) == 5


@pytest.mark.parametrize("count", ["0", "-1", "x", "1000001"])
def test_seed_of_a_wrong_number_is_refused(count: str, site: Site, tmp_path: Path) -> None:
    result = run(site, "seed", "--users", count, "--tokens-out", str(tmp_path / "tokens"))
    assert result.exit_code == 2
    assert "--users" in result.output
    assert site.rows("users") == []
