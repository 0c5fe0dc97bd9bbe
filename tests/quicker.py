"""What each of thousands of applications would make anew, made once in each process of tests."""

from __future__ import annotations

import os
import sqlite3
import ssl
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import argon2
from httpx._transports import default
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule

from myapp import create_app
from myapp.schema import upgrade_schema


class CompiledTemplates(BytecodeCache):
    """Templates as they were compiled before; a template that has changed is compiled again."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._code:
            bucket.bytecode_from_string(self._code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key] = bucket.bytecode_to_string()


compiled = CompiledTemplates()


def keep_builders() -> None:
    """Of equal rules the function that makes an address is compiled once, not again in each application: that takes two
    thirds of making one. It is given the rule each time, so all of them can have the same.
    """
    compile_builder = Rule._compile_builder
    kept: dict[Any, Any] = {}

    def kept_builder(rule: Rule, append_unknown: bool = True) -> Any:
        key = rule.rule, tuple(rule._trace), repr(rule.defaults), append_unknown
        if key not in kept:
            kept[key] = compile_builder(rule, append_unknown)
        return kept[key]

    Rule._compile_builder = kept_builder  # type: ignore[method-assign]


def keep_authorities() -> None:
    """Each client of httpx reads all authorities of the machine for TLS, which takes 16 ms: most never speak it."""
    create = default.create_ssl_context
    kept: dict[Any, ssl.SSLContext] = {}

    def kept_context(verify: Any = True, cert: Any = None, trust_env: bool = True) -> ssl.SSLContext:
        if verify is not True or cert:
            return create(verify=verify, cert=cert, trust_env=trust_env)
        key = trust_env, os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
        if key not in kept:
            kept[key] = create(trust_env=trust_env)
        return kept[key]

    default.create_ssl_context = kept_context


def give_tables(database_url: str) -> None:
    """Make a SQLite file that is not there yet a copy of one that all migrations have made."""
    file = Path(database_url.removeprefix("sqlite:///"))
    if database_url.startswith("sqlite:///") and not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(_migrated())


@cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "migrated.sqlite3"
        app = create_app(
            {"MYAPP_SECRET_KEY": "a secret that only tests know", "MYAPP_DATABASE_URL": f"sqlite:///{file}"},
            instance_path=folder,
        )
        upgrade_schema(app)
        app.extensions["myapp"].database.close()
        with sqlite3.connect(file) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
        connection.close()
        return file.read_bytes()


@cache
def hash_of(password: str) -> str:
    """A hash of it that is verified at once, not in tens of milliseconds of a core: many sign in."""
    return argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(password)


keep_builders()
keep_authorities()
