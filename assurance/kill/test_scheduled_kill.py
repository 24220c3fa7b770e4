"""Mails that go out later, while whoever holds, stops or sends them is killed: each goes out once, or was stopped.

`make assurance` kills sixty servers (assurance/kill/chaos.py).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from assurance.kill.scheduled_storm import scheduled_storm

pytestmark = pytest.mark.slow

KILLS = 6


def test_each_mail_goes_out_once_unless_it_was_stopped(tmp_path: Path) -> None:
    with scheduled_storm(tmp_path / "workspace") as mails:
        mails.rage(KILLS)
        mails.calm_down()
        assert mails.wrongs() == []
        assert mails.stopped
        assert sum(mails.sent.values()) > len(mails.ordered) // 2


@pytest.mark.control
@pytest.mark.parametrize("wrong", ["no intents", "stops are not looked at", "stops are not stored"])
def test_the_proof_fails_on_an_engine_that_is_wrong(tmp_path: Path, wrong: str) -> None:
    with scheduled_storm(tmp_path / "workspace", wrong) as mails:
        mails.rage(8)
        mails.calm_down()
        assert mails.wrongs() != []
