"""`python -m soak`: a run of so many minutes. Exit status 0 when everything held, else 1."""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from stack import StackError

from . import plan
from .disk import DiskError
from .faults import FAULTS
from .record import Record
from .report import report
from .run import Run
from .world import World


def main() -> int:
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # the programs end with us
    asked = _arguments()
    seconds = 60 * asked.minutes
    try:
        planned = plan.draw(asked.seed, seconds, asked.faults)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    folder.chmod(0o711)  # PostgreSQL does not run as root
    log = asked.log or Path("instance") / f"soak-{asked.seed}.jsonl"
    log.parent.mkdir(parents=True, exist_ok=True)
    record = Record(log)
    record.say("run", **{name: value for name, value in vars(asked).items() if name != "log"})
    print(f"seed {asked.seed}, {asked.minutes:g} minutes, {len(planned)} faults; log: {log}", flush=True)
    world = World(folder, record, with_disk="disk-full" in asked.faults)
    has_held = False
    try:
        world.start(asked.writers)
        world.populate(asked.readers, asked.rate, asked.seed)
        result = Run(world, planned, seconds, tell=lambda text: print(text, flush=True)).run()
        print(f"\n{report(result, world, asked.seed)}")
        has_held = not result.problems
    except (StackError, DiskError) as error:
        print(error, file=sys.stderr)
    finally:
        world.close()
        record.close()
        if has_held:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            print(f"the programs' own logs are in {folder}", file=sys.stderr)
    return 0 if has_held else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long (10)")
    parser.add_argument(
        "--seed", type=int, default=None, help="draws the plan and all lots; printed where it is not given"
    )
    parser.add_argument(
        "--faults", type=_faults, default=list(FAULTS), metavar="A,B", help=f"which: {', '.join(FAULTS)} (all)"
    )
    parser.add_argument("--readers", type=int, default=48, help="how many (48)")
    parser.add_argument("--writers", type=int, default=10, help="how many people write to each other (10)")
    parser.add_argument("--rate", type=float, default=25.0, help="messages a second, of all together (25)")
    parser.add_argument(
        "--log", type=Path, default=None, help="JSON lines of all that happened (instance/soak-SEED.jsonl)"
    )
    asked = parser.parse_args()
    if asked.seed is None:
        asked.seed = random.randrange(10**6)
    return asked


def _faults(text: str) -> list[str]:
    kinds = [kind for kind in text.split(",") if kind]
    if unknown := [kind for kind in kinds if kind not in FAULTS]:
        raise argparse.ArgumentTypeError(f"there is no fault named {', '.join(unknown)}")
    return kinds


if __name__ == "__main__":
    sys.exit(main())
