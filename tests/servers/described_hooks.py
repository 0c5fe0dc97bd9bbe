"""What schemathesis loads besides (test_described.py): it notes what is answered, and long polls do not wait."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import schemathesis

#: Seconds that a long poll may wait here.
PATIENCE = 0.01


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Ask by the token that the operation wants. A timeout that is right is made short; one that is wrong stays."""
    tokens = json.loads(os.environ["TOKENS"])
    wanted = [name for alternative in case.operation.definition.raw["security"] for name in alternative]
    own = next((tokens[name] for name in wanted if name in tokens), None)
    if own is not None:
        case.headers["Authorization"] = f"Bearer {own}"
    if case.path == "/messages/long-poll" and isinstance(case.query, dict):
        timeout = case.query.get("timeout", 25)
        try:
            is_right = 0 <= float(timeout) <= 50
        except (TypeError, ValueError):
            return
        if is_right:
            case.query["timeout"] = PATIENCE


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    """A line for each answer to the operation's own method: its id and the status."""
    if response.request.method == case.operation.method.upper():
        operation = case.operation.definition.raw["operationId"]
        with Path(os.environ["ANSWERS_SEEN"]).open("a") as seen:
            seen.write(f"{operation} {response.status_code}\n")
