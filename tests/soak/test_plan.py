"""The plan: the same for the same seed, and with every kind of fault."""

from __future__ import annotations

import pytest

from soak.faults import FAULTS
from soak.plan import draw

#: As the run was asked for.
DEMANDED = {
    "kill-worker",
    "kill-redis",
    "kill-postgres",
    "kill-nginx",
    "kill-pubsub",
    "lost-publishes",
    "chain-reload",
    "stopped-clients",
    "cutting-clients",
    "disk-full",
    "no-descriptors",
    "restore",
}


def test_every_fault_that_is_demanded_is_known() -> None:
    assert set(FAULTS) >= DEMANDED


@pytest.mark.parametrize("seed", range(50))
def test_ten_minutes_have_room_for_every_fault(seed: int) -> None:
    assert {planned.kind for planned in draw(seed, 600, list(FAULTS))} == set(FAULTS)


def test_the_same_seed_is_the_same_plan() -> None:
    assert draw(5, 600, list(FAULTS)) == draw(5, 600, list(FAULTS))


def test_another_seed_is_another_plan() -> None:
    assert draw(5, 600, list(FAULTS)) != draw(6, 600, list(FAULTS))


def test_faults_follow_one_another_and_end_before_the_run_does() -> None:
    plan = draw(5, 600, list(FAULTS))
    ends = [planned.at + planned.params["seconds"] for planned in plan]
    assert all(end < after.at for end, after in zip(ends, plan[1:], strict=False))
    assert ends[-1] < 600


def test_too_little_time_for_all_faults_is_said() -> None:
    with pytest.raises(ValueError, match="too short"):
        draw(5, 60, list(FAULTS))


def test_no_faults_are_no_plan() -> None:
    assert draw(5, 60, []) == []
