"""New mail while the server dies: each mail starts exactly one run.

`make assurance` sends 2,000 mails and kills fifty times (assurance/kill/chaos.py).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from assurance.kill.mail_storm import mail_storm

pytestmark = pytest.mark.slow

MAILS, KILLS = 60, 4
"""Four kills: two at any moment, one at each point of a poll."""


def test_each_mail_starts_one_run_whatever_dies(tmp_path: Path) -> None:
    with mail_storm(tmp_path / "workspace") as mails:
        mails.rage(MAILS, KILLS)
        mails.calm_down()
        assert mails.wrongs() == []
        assert (len(mails.arrived), mails.kills) == (MAILS, KILLS)


@pytest.mark.control
@pytest.mark.parametrize(("wrong", "point"), [("runs apart", "between"), ("no seen set", "after items")])
def test_the_proof_fails_on_a_trigger_that_is_wrong(tmp_path: Path, wrong: str, point: str) -> None:
    with mail_storm(tmp_path / "workspace", wrong, point) as mails:
        mails.rage(40, 7)  # three of the seven servers die at the point, if they have work by then
        mails.calm_down(patience_seconds=8)
        assert mails.wrongs() != []
