"""Work that takes a while, beside the requests, and tells its owner how far it is and that it is done.

For an application's own code: `task`, `start`, and within a task `progress`, `result`, `owner` and `TaskFailed`
(docs/tasks.md).
"""

from .kinds import task
from .run import TaskFailed, owner, progress, result
from .start import start

__all__ = ["TaskFailed", "owner", "progress", "result", "start", "task"]
