"""The application as wsgi.py loads it, or code that cannot be imported while the file `BREAK` names is there."""

import os
import sys
from pathlib import Path

if Path(os.environ["BREAK"]).exists():
    sys.modules["myapp.server"] = None  # type: ignore[assignment]  # what makes Python refuse to import it

from wsgi import application

__all__ = ["application"]
