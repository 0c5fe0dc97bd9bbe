"""What there is to see: notifications and other notices, the bell that lists them, what users do not want to hear."""

from .kinds import Kind, register
from .notify import emit, notify

__all__ = ["Kind", "emit", "notify", "register"]
