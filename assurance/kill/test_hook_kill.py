"""A server is killed while deliveries come: each that was accepted is one run, whatever dies."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from assurance.kill.hook_storm import HookStorm

pytestmark = pytest.mark.slow


def test_each_accepted_delivery_is_one_run_whenever_the_server_is_killed(tmp_path: Path) -> None:
    storm = HookStorm(tmp_path / "workspace", tmp_path)
    storm.prepare()
    storm.run(seconds=3, per_minute=2000, kills=1, chance=random.Random(1))
    assert storm.judge(120)["accepted"] > 0
