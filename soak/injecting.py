"""One fault from its injection to the proof of its effect."""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field

from .faults import Fault, NoEffect
from .plan import Planned
from .record import Record

#: Seconds for everything to work again after a fault.
HEALING = 60.0
#: Seconds between two looks at a fault that is active.
LOOK_EVERY = 0.2


@dataclass
class Done:
    """One fault, as it went; `began` is in seconds since the run's begin.

    `problem` is empty when it was injected, had an effect and was healed.
    """

    planned: Planned
    began: float
    effect: Mapping[str, object] = field(default_factory=dict)
    problem: str = ""

    def __str__(self) -> str:
        return self.problem or ", ".join(f"{name} {value}" for name, value in self.effect.items())


def carry_out(fault: Fault, planned: Planned, record: Record, healing: float = HEALING) -> Done:
    """Inject, watch, heal, wait up to `healing` seconds until all is well, and see whether it had an effect."""
    done = Done(planned, record.now)
    window = record.begin(planned.kind)
    record.say("fault", fault=planned.kind, params=planned.params)
    try:
        fault.inject()
        _watch(fault, record.now + planned.params["seconds"], record)
        fault.heal()
        _wait_until_healed(fault, healing)
        done.effect = fault.effect()
    except NoEffect as none:
        done.problem = f"had no effect: {none}"
    except Exception as error:  # safety net: the run goes on, and has failed
        done.problem = f"failed: {error!r}"
        record.say("traceback", text=traceback.format_exc())
        _heal_after_all(fault, record)
    record.end(window)
    taken = round(record.now - done.began, 1)
    record.say("healed", fault=planned.kind, effect=done.effect, problem=done.problem, seconds=taken)
    return done


def _watch(fault: Fault, until: float, record: Record) -> None:
    while record.now < until:
        fault.watch()
        time.sleep(LOOK_EVERY)


def _wait_until_healed(fault: Fault, patience: float) -> None:
    """Raises TimeoutError."""
    deadline = time.monotonic() + patience
    while not fault.is_healed():
        fault.watch()
        if time.monotonic() > deadline:
            raise TimeoutError(f"not all was well {patience:g} s after it was over")
        time.sleep(LOOK_EVERY / 2)


def _heal_after_all(fault: Fault, record: Record) -> None:
    try:
        fault.heal()
    except Exception as error:  # safety net: what follows will show what is broken
        record.say("traceback", text=f"healing failed too: {error!r}")
