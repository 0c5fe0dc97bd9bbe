"""What the tokens of users and of systems have in common: what is kept of the secret, and the label."""

from __future__ import annotations

import hashlib

from .errors import Invalid, Text
from .texts import is_text

#: In characters.
LONGEST_LABEL = 100


def digest(secret: str) -> str:
    """What the database keeps of a secret: its SHA-256."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def check_label(label: str) -> None:
    """Raises Invalid with the rule that it breaks."""
    if len(label) > LONGEST_LABEL:
        raise Invalid("label", Text("write at most %(most)d characters", most=LONGEST_LABEL))
    if not is_text(label):
        raise Invalid("label", Text("leave out NUL characters and lone surrogates"))
