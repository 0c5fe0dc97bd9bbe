"""What the server answers is what its description says, whatever it is asked (schemathesis)."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from flask import Flask

from myapp.openapi.operations import operations
from myapp.systems import service as systems
from myapp.systems import tokens as system_tokens

from ..support import BIN, ROOT, AppServer, app_server

#: What HTTP cannot drive, by operationId.
NOT_DRIVEN = {
    "following_websocket": "a WebSocket: tests/conformance and test_frames.py ask it",
    "following_stream": "an answer without an end: test_stream.py reads it",
}
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
)
#: Of each operation, besides what follows from each of its parameters and fields.
MOST_EXAMPLES = 8
#: How wrong data may be refused; 414 is the server's own.
CONFIG = """
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 413, 414, 415, 422]
"""


class Outcome(NamedTuple):
    """What schemathesis said, which statuses each operation answered, and the schemes that there was a token for."""

    code: int
    text: str
    seen: dict[str, set[int]]
    document: dict[str, Any]
    schemes: set[str]


def closed(schema: Any) -> Any:
    """The schema with no more fields than it names: clients put up with new ones, here each must be described."""
    if isinstance(schema, dict):
        is_open = "properties" in schema and "additionalProperties" not in schema
        inner = {key: closed(value) for key, value in schema.items()}
        return {**inner, "additionalProperties": False} if is_open else inner
    return [closed(item) for item in schema] if isinstance(schema, list) else schema


def tokens_of(server: AppServer) -> dict[str, str]:
    """By security scheme, the token that operations are asked by: Alice's, to whom Bob has written, and she to him.

    It has a number that nobody guesses, so that nobody revokes it. She has been notified, by the system whose token is
    beside it, which has a user of its own, has announced something, and works on a task of Bob's. A task of
    hers was cancelled.
    """
    server.people.add("alice", "bob")
    for name in ("alice", "bob") * 5:
        server.people.token(name)
    token, bobs = server.people.tokens("alice", "bob")
    with server.app.extensions["myapp"].database.transaction() as transaction:
        transaction.driver.execute("UPDATE tokens SET id = 987654321 WHERE id = 11")
    for own, to in ((token, "bob"), (bobs, "alice")):
        with server.client(own) as client:
            assert client.post("/messages", json={"to": to, "body": "hi"}).status_code == 201
    with server.app.extensions["myapp"].database.transaction() as transaction:
        account = systems.create(transaction, "shop")
        system: str = system_tokens.create(transaction, account.id, "test", system_tokens.SCOPES)["token"]
    with server.client(system) as client:
        client.put("/api/users/zoe", json={}).raise_for_status()
        client.post("/api/notifications", json={"to": "alice", "title": "Hi"}).raise_for_status()
        client.post("/api/announcements", json={"title": "Hi"}).raise_for_status()
        client.post("/api/tasks", json={"to": "bob", "title": "Hi"}).raise_for_status()
    with server.client(token) as client:
        client.post("/tasks", json={"kind": "export-messages"}).raise_for_status()
    with server.app.extensions["myapp"].database.transaction() as transaction:  # to be cancelled once more, and retried
        transaction.driver.execute("UPDATE tasks SET state = 'cancelled', finished_at = at WHERE id = 2")
    return {"token": token, "system": system}


def ask_all(server: AppServer, folder: Path) -> Outcome:
    """Ask whatever the description allows, and what it does not, of all operations."""
    tokens = tokens_of(server)
    with server.client(tokens["token"]) as client:
        document = client.get("/openapi.json").json()
        document["components"]["schemas"] = closed(document["components"]["schemas"])
        (folder / "openapi.json").write_text(json.dumps(document))
        (folder / "schemathesis.toml").write_text(CONFIG)
        done = run(server, tokens, folder)
        assert client.get("/auth/me").status_code == 200, "the token was revoked on the way"
    seen: dict[str, set[int]] = {}
    for line in (folder / "seen").read_text().splitlines():
        operation, status = line.split()
        seen.setdefault(operation, set()).add(int(status))
    return Outcome(done.returncode, done.stdout, seen, document, set(tokens))


def run(server: AppServer, tokens: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(BIN / "schemathesis"), "--config-file", "schemathesis.toml", "run", "openapi.json"]
    command += ["--url", server.url]
    command += ["--phases", "examples,coverage,fuzzing", "--mode", "all", "--checks", ",".join(CHECKS)]
    command += ["--max-examples", str(MOST_EXAMPLES), "--generation-deterministic", "--continue-on-failure"]
    command += ["--warnings", "off", "--no-color", "--request-timeout", "20"]
    for operation in NOT_DRIVEN:
        command += ["--exclude-operation-id", operation]
    environ = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "SCHEMATHESIS_HOOKS": "tests.servers.described_hooks",
        "ANSWERS_SEEN": str(folder / "seen"),
        "TOKENS": json.dumps(tokens),
    }
    return subprocess.run(
        command, cwd=folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=100
    )


def undone(outcome: Outcome) -> Iterator[str]:
    """Operations that were never answered with success: of them nothing is known but how they refuse."""
    for methods in outcome.document["paths"].values():
        for found in methods.values():
            name = found["operationId"]
            # what there is no token for is asked too, and refused
            wanted = {scheme for alternative in found["security"] for scheme in alternative}
            is_ours = not wanted or bool(wanted & outcome.schemes)
            successes = {int(status) for status in found["responses"] if status < "400"}
            seen = outcome.seen.get(name, set())
            if name not in NOT_DRIVEN and not seen:
                yield f"{name} was not asked"
            elif name not in NOT_DRIVEN and is_ours and not seen & successes:
                yield f"{name} was only answered {sorted(seen)}: give its fields and parameters examples that there are"


def test_whatever_is_asked_the_answer_is_as_described(tmp_path: Path) -> None:
    with app_server("pywsgi", tmp_path) as server:
        outcome = ask_all(server, tmp_path)
    assert outcome.code == 0, "\n".join(line[:500] for line in outcome.text.splitlines())
    assert list(undone(outcome)) == []


def test_what_is_left_out_exists(app: Flask) -> None:
    ids = {one.id for one in operations(app)}
    assert set(NOT_DRIVEN) <= ids
