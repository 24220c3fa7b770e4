"""Killed while it waits for an answer, is woken, or reminds: nothing is sent twice, and nobody who has answered is
reminded.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from assurance.kill.harness import REPOSITORY, Setting, setting
from engine.mail.follow_ups import FollowUp
from engine.orchestra import Orchestra
from tests.engine.conftest import OWNER
from tests.few import rare
from tests.patience import PATIENCE_SECONDS, until

pytestmark = pytest.mark.slow

_SERVE = """
import os, signal, sys
from pathlib import Path
from engine.orchestra import Orchestra
from engine.people.access import local_user
from engine.runner.effects import fault_points
from engine.triggering import mail_watch

left = int(sys.argv[3])

def stop(point):
    global left
    if point == sys.argv[2]:
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

fault_points.hook = stop
mail_watch._POLL_SECONDS = 1.0
orchestra = Orchestra.open(Path(sys.argv[1]), demo=True, serve=True)
run_id = orchestra.runs.start(local_user().agreeing(True), "chase", {"seconds": int(sys.argv[4])})
print(run_id, flush=True)
signal.pause()
"""
ASKED, REMINDED = "Offer", "Re: Offer"
_SEND = {"uses": "gmail.send", "approve": "never"}
_WAIT = {"message": "{{ steps.ask.output.id }}", "days": "{{ inputs.seconds / 86400.0 }}"}
CHASE: dict[str, Any] = {
    "schema_version": 1,
    "title": "Chase",
    "inputs": {"type": "object", "properties": {"seconds": {"type": "number"}}},
    "steps": [
        {"id": "ask", **_SEND, "with": {"to": "ann@example.org", "subject": ASKED, "text": "?"}},
        {"id": "wait", "uses": "gmail.wait_for_reply", "with": _WAIT},
        {
            "id": "remind",
            "if": "{{ !steps.wait.output.answered }}",
            **_SEND,
            "with": {
                "to": "ann@example.org",
                "text": "!",
                "in_reply_to": "{{ steps.ask.output.id }}",
                "only_if_unanswered": True,
            },
        },
    ],
    "outputs": {"answered": "{{ steps.wait.output.answered }}"},
}


class Chase:
    """A workspace whose workflow asks and reminds by mail, with stand-ins that live on."""

    def __init__(self, place: Setting) -> None:
        self.place = place
        (place.root / "workflows" / "chase.json").write_text(json.dumps(CHASE))

    def begin(self, point: str, times: int, seconds: int) -> subprocess.Popen[str]:
        """Serve, start a run that waits so long, and be killed when it reaches a point the n-th time."""
        command = [sys.executable, "-c", _SERVE, str(self.place.root), point, str(times), str(seconds)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)

    def is_waiting(self) -> bool:
        """Whether a wait is recorded."""
        return self.place.rows.count("mail_waits") > 0

    def answer(self) -> None:
        """Let Ann answer."""
        [asked] = self.sent(ASKED)
        [name] = [one["value"] for one in asked["payload"]["headers"] if one["name"] == "Message-ID"]
        raw = f"From: Ann <ann@example.org>\nSubject: Re: {ASKED}\nIn-Reply-To: {name}\n\nFine"
        address = f"{self.place.endpoints['gmail']['base_url']}/_demo/mail"
        httpx.post(address, content=raw, trust_env=False, timeout=PATIENCE_SECONDS).raise_for_status()

    def sent(self, subject: str) -> list[Any]:
        """The mails with a subject that were sent."""
        found = self.place.held("gmail")["sent"]
        return [one for one in found if {"name": "Subject", "value": subject} in one["payload"]["headers"]]

    def settle(self) -> Any:
        """Serve until the run has ended; return it."""
        with closing(Orchestra.open(self.place.root, demo=True, serve=True)) as orchestra:
            [row] = orchestra.runs.list(OWNER).rows
            until(lambda: orchestra.runs.get(OWNER, row.run_id)["ended_at"] is not None)
            return orchestra.runs.get(OWNER, row.run_id)


@pytest.fixture
def chase(tmp_path: Path) -> Iterator[Chase]:
    with setting(tmp_path / "workspace") as place:
        yield Chase(place)


def killed(process: subprocess.Popen[str]) -> None:
    """Wait until a process has killed itself."""
    process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == -9


@pytest.mark.parametrize(
    ("point", "times"),
    [
        pytest.param("after wait", 1, id="once the wait is recorded"),
        pytest.param("before effect", 2, id="before the reminder is sent"),
        pytest.param("after effect", 2, id="after that"),
        rare("after effect", 1, id="after the question is sent"),
        rare("after record", 2, id="once the reminder is recorded"),
        rare("before end", 1, id="before the end"),
    ],
)
def test_the_question_and_the_reminder_are_sent_once(chase: Chase, point: str, times: int) -> None:
    killed(chase.begin(point, times, 4))
    run = chase.settle()
    assert (run["status"], run["outputs"]) == ("succeeded", {"answered": False}), run["error"]
    assert [len(chase.sent(one)) for one in (ASKED, REMINDED)] == [1, 1]


@pytest.mark.parametrize(
    "point",
    [
        pytest.param("before hints", id="before the run is woken"),
        pytest.param("after hints", id="after that"),
    ],
)
def test_an_answer_that_was_noticed_is_not_lost(chase: Chase, point: str) -> None:
    process = chase.begin(point, 1, 3600)
    until(chase.is_waiting)
    chase.answer()
    killed(process)
    assert chase.settle()["outputs"] == {"answered": True}
    assert [len(chase.sent(one)) for one in (ASKED, REMINDED)] == [1, 0]


def test_an_answer_that_came_while_nobody_served_is_found(chase: Chase) -> None:
    killed(chase.begin("after wait", 1, 3600))
    chase.answer()
    assert chase.settle()["outputs"] == {"answered": True}
    assert chase.sent(REMINDED) == []


def _answered_before_the_reminder(chase: Chase) -> Any:
    """Kill the process once it is about to remind, and let Ann answer before another one goes on."""
    killed(chase.begin("before effect", 2, 4))
    chase.answer()
    return chase.settle()


def test_a_reminder_that_was_about_to_be_sent_is_not_after_an_answer(chase: Chase) -> None:
    run = _answered_before_the_reminder(chase)
    assert run["status"] == "succeeded", run["error"]
    [reminder] = [one for one in run["steps"] if one["id"] == "remind"]
    assert (reminder["output"]["written"], reminder["effect"]) == (False, None)
    assert chase.sent(REMINDED) == []


@pytest.mark.control
def test_without_the_look_it_is_seen_to_be_sent(chase: Chase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FollowUp, "require_unanswered", lambda *_: None)
    _answered_before_the_reminder(chase)
    assert len(chase.sent(REMINDED)) == 1
