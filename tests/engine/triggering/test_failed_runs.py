"""People are notified once of runs that failed: at once or as a digest, by a workflow or a webhook."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import InvalidFile
from engine.base.json_text import JsonObject
from engine.orchestra import Orchestra
from engine.triggering.notices.channel import NoticeChannel
from engine.triggering.notices.failed_runs import FailedRunNotices, is_due
from engine.triggering.notices.marked import MarkedNotices
from engine.triggering.notices.webhook import WebhookMessages
from tests.engine.conftest import OWNER, set_step, write_workflow
from tests.engine.triggering.conftest import MovingClock
from tests.patience import PATIENCE_SECONDS

FAILS = {"id": "stop", "uses": "flow.fail", "with": {"message": "{{ inputs.why }}"}}
WHY = {"type": "object", "properties": {"why": {"type": "string", "default": "The sheet\nis gone."}}}
TEXTS = ("kind", "workflow", "run", "step", "message", "remedy", "link")
TOLD = {"type": "object", "properties": {name: {"type": "string"} for name in TEXTS}}


@dataclass
class Place:
    """A workspace in which runs fail, and what looks for them."""

    root: Path
    orchestra: Orchestra
    clock: MovingClock

    def notices(self) -> FailedRunNotices:
        """What a server that has just started has."""
        triggering = self.orchestra._families.triggers.triggering
        needs = triggering._needs
        plan, loaded = self.orchestra._families.opened.compiled.plan, needs.context.loaded
        channel = NoticeChannel(needs.acceptor, plan, loaded, needs.clock)
        messages = WebhookMessages(needs.state.settings, lambda: loaded().webhook, needs.clock)
        zone, origin = lambda: needs.context.time_zone, lambda: "http://127.0.0.1:8501"
        marked = MarkedNotices("failed_runs", "a failed run", needs.worker, needs.state.settings, channel, messages)
        runs, logs, closed = needs.state.triggered_runs, needs.logs, needs.is_closed
        found = FailedRunNotices(marked, runs, logs, needs.clock, zone, origin, closed)
        found.look()
        return found

    def look(self, notices: FailedRunNotices, seconds: float = 11) -> None:
        """Let time pass, and look."""
        self.clock.move(seconds)
        for job in (notices, notices.notices.messages):
            job._look_at = 0.0
            job.look()

    def configure(self, text: str) -> None:
        """Say who is notified."""
        config = self.root / "config.yaml"
        config.write_text(config.read_text().split("notifications:")[0] + f"notifications: {{{text}}}\n")

    def run(self, name: str = "work", **inputs: Any) -> Any:
        """Run a workflow to its end."""
        return self.orchestra.runs.wait(OWNER, self.orchestra.runs.start(OWNER, name, inputs), PATIENCE_SECONDS)

    def said(self) -> list[JsonObject]:
        """What the workflow was given, the oldest first."""
        rows = self.orchestra.runs.list(OWNER, workflow="tell").rows
        return [self.orchestra.runs.wait(OWNER, row.run_id, PATIENCE_SECONDS)["inputs"] for row in reversed(rows)]


@pytest.fixture
def place(root: Path) -> Iterator[Place]:
    """Its workflow `tell` notifies people."""
    write_workflow(root, "work", [FAILS], inputs=WHY)
    write_workflow(root, "tell", [set_step("a")], inputs=TOLD)
    clock = MovingClock()
    opened = Place(root, Orchestra(root, clock=clock), clock)
    opened.configure("workflow: tell, failed_runs: at_once")
    yield opened
    opened.orchestra.close()


def test_a_failed_run_is_told_once_with_its_step_error_and_address(place: Place) -> None:
    notices = place.notices()
    run = place.run()
    place.look(notices, 1)
    assert place.said() == [], "more may fail in this moment"
    for _ in range(3):
        place.look(notices)
    place.look(place.notices())
    [told] = place.said()
    assert (told["kind"], told["workflow"], told["run"], told["step"]) == ("failed_runs", "work", run["run_id"], "stop")
    assert told["message"] == "work failed at stop: The sheet is gone."
    assert told["link"] == f"http://127.0.0.1:8501/run?id={run['run_id']}"


def test_what_failed_before_it_was_switched_on_is_not_told(place: Place) -> None:
    place.run()
    place.look(place.notices())
    assert place.said() == []


def test_a_storm_is_one_notice(place: Place) -> None:
    notices = place.notices()
    write_workflow(place.root, "other", [FAILS], inputs=WHY)
    ids = [place.orchestra.runs.start(OWNER, "work", {"why": f"No {n}."}) for n in range(40)]
    ids.append(place.orchestra.runs.start(OWNER, "other", {"why": "x" * 2000}))
    for one in ids:
        place.orchestra.runs.wait(OWNER, one, PATIENCE_SECONDS)
    for _ in range(5):
        place.look(notices)
    [told] = place.said()
    first, *_, last = told["message"].split("\n\n")
    assert (first, last) == ("41 runs failed: work 40, other 1.", "And 36 more.")
    assert len(told["message"]) < 2000
    assert told["link"] == "http://127.0.0.1:8501/runs?status=Failed"
    place.run()
    place.look(notices, 200)
    assert len(place.said()) == 1, "five minutes are between two"
    place.look(notices, 200)
    assert len(place.said()) == 2


def test_what_fails_again_and_again_is_told_before_it_ends(place: Place) -> None:
    notices = place.notices()
    for _ in range(8):
        place.run()
        place.look(notices, 9)
    assert len(place.said()) == 1


def only_a_step(place: Place) -> None:
    run_id = place.orchestra.runs.start(OWNER, "work", {}, only="stop")
    place.orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)


def demo_run(place: Place) -> None:
    place.orchestra.close()
    demo = Orchestra(place.root, demo=True, clock=place.clock)
    demo.runs.wait(OWNER, demo.runs.start(OWNER, "work", {}), PATIENCE_SECONDS)
    demo.close()
    place.orchestra = Orchestra(place.root, clock=place.clock)


@pytest.mark.parametrize(
    "fails",
    [
        pytest.param(lambda place: place.run("tell"), id="the notifying workflow"),
        pytest.param(only_a_step, id="one step alone"),
        pytest.param(demo_run, id="the demo"),
        pytest.param(lambda place: place.run("good"), id="a good one"),
    ],
)
def test_what_is_no_failure_of_a_run_starts_nothing(place: Place, fails: Callable[[Place], Any]) -> None:
    write_workflow(place.root, "tell", [FAILS], inputs=WHY)
    write_workflow(place.root, "good", [set_step("a")])
    place.notices()
    fails(place)
    notices = place.notices()
    before = len(place.orchestra.runs.list(OWNER).rows)
    for _ in range(3):
        place.look(notices, 400)
    assert len(place.orchestra.runs.list(OWNER).rows) == before


def test_a_notice_that_fails_is_no_reason_for_another(place: Place) -> None:
    write_workflow(place.root, "tell", [{**FAILS, "with": {"message": "no"}}], inputs=TOLD)
    notices = place.notices()
    place.run()
    for _ in range(4):
        place.look(notices, 400)
    assert len(place.said()) == 1


def test_a_workflow_that_cannot_run_loses_nothing(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    good = (place.root / "workflows" / "tell.json").read_text()
    (place.root / "workflows" / "tell.json").write_text("{")
    notices = place.notices()
    place.run()
    for _ in range(3):
        place.look(notices)
    assert caplog.text.count("cannot be notified") == 1
    (place.root / "workflows" / "tell.json").write_text(good)
    place.look(notices)
    assert len(place.said()) == 1


def test_parts_that_failed_are_told_and_a_private_workflow_says_no_error(place: Place) -> None:
    loop = {
        "id": "each", "foreach": "{{ [1, 2] }}", "as": "n", "on_item_error": "continue",
        "steps": [{**FAILS, "with": {"message": "secret {{ n }}"}}],
    }  # fmt: skip
    write_workflow(place.root, "work", [loop], privacy="local")
    notices = place.notices()
    place.run()
    place.look(notices)
    [told] = place.said()
    assert told["step"].startswith("each[")
    assert "secret" not in json.dumps(told)


def test_a_workflow_that_only_some_may_see_is_not_named(place: Place) -> None:
    write_workflow(place.root, "work", [FAILS], inputs=WHY, access={"see": ["owner"]})
    write_workflow(place.root, "other", [FAILS], inputs=WHY)
    notices = place.notices()
    place.run()
    place.look(notices)
    place.run()
    place.run("other")
    place.look(notices, 400)
    [alone, among] = place.said()
    assert (alone["message"], alone["workflow"]) == ("A closed workflow failed: Its page says why.", "")
    assert among["message"].startswith("2 runs failed: other 1, A closed workflow 1.")
    assert "work failed" not in among["message"]


def test_a_workflow_whose_file_is_gone_is_closed_only_if_it_was(place: Place) -> None:
    write_workflow(place.root, "secret", [FAILS], inputs=WHY, access={"see": ["owner"]})
    write_workflow(place.root, "open", [FAILS], inputs=WHY)
    notices = place.notices()
    for name in ("secret", "open"):
        place.run(name)
        place.orchestra.workflows.delete(OWNER, name)
    place.look(notices)
    [told] = place.said()
    assert told["message"].startswith("2 runs failed: open 1, A closed workflow 1.")
    assert "secret failed" not in told["message"]


def test_a_digest_comes_once_in_its_time_with_counts(place: Place) -> None:
    place.configure("workflow: tell, failed_runs: 6h")
    notices = place.notices()
    place.run()
    place.look(notices, 3600)
    assert place.said() == []
    place.run()
    place.look(notices, 5 * 3600)
    place.look(notices, 3600)
    [told] = place.said()
    assert told["message"].startswith("2 runs failed: work 2.")
    place.look(notices, 7 * 3600)
    assert len(place.said()) == 1, "nothing has failed since"


@pytest.mark.parametrize(
    ("last", "now", "wanted"),
    [
        pytest.param("2026-11-28T06:00", "2026-11-28T06:59", False, id="before"),
        pytest.param("2026-11-28T06:00", "2026-11-28T07:00", True, id="eight in Berlin"),
        pytest.param("2026-11-28T07:00", "2026-11-28T23:59", False, id="later that day"),
        pytest.param("2026-11-27T08:00", "2026-11-28T06:00", False, id="not yet the next day"),
        pytest.param("2026-11-25T08:00", "2026-11-28T06:00", True, id="the server did not run"),
        pytest.param("2026-03-28T07:00", "2026-03-29T06:00", True, id="summer time"),
    ],
)
def test_when_a_daily_digest_is_due(last: str, now: str, wanted: bool) -> None:
    begin, end = (datetime.fromisoformat(one).replace(tzinfo=UTC) for one in (last, now))
    assert is_due("08:00", begin, end, "Europe/Berlin") is wanted


@dataclass
class Hook:
    """A webhook: what it got, and what it answers."""

    url: str = ""
    got: list[tuple[str, JsonObject]] = field(default_factory=list)
    answers: list[int | None] = field(default_factory=list)
    """Statuses; None: no answer at all."""


@contextmanager
def hook() -> Iterator[Hook]:
    found = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found.got.append((self.headers["Idempotency-Key"], body))
            status = found.answers.pop(0) if found.answers else 200
            if status is None:
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize(
    ("answers", "count"),
    [
        pytest.param([], 1, id="taken"),
        pytest.param([500, 503, 200], 3, id="refused, and taken later"),
        pytest.param([None, 200], 2, id="nobody knows: a repeat"),
        pytest.param([None, None, 200], 2, id="nobody knows again: no more"),
        pytest.param([500, None, 500, 200], 4, id="refused, unknown, refused, taken"),
    ],
)
def test_a_webhook_gets_each_notice_and_at_most_one_repeat(
    place: Place, answers: list[int | None], count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.triggering.notices.webhook._LONGEST_PAUSE_SECONDS", 0.0)
    with hook() as there:
        there.answers = answers
        place.configure(f"webhook: '{there.url}', failed_runs: at_once")
        notices = place.notices()
        run = place.run()
        for _ in range(6):
            place.look(notices)
        assert len(there.got) == count
        assert len({key for key, _ in there.got}) == 1
        assert there.got[0][1]["run"] == run["run_id"]
        assert not notices.notices.messages.waits("failed_runs")


def test_what_fails_while_a_webhook_is_away_is_one_more_notice(place: Place) -> None:
    with hook() as there:
        there.answers = [500]
        place.configure(f"webhook: '{there.url}', failed_runs: at_once")
        notices = place.notices()
        for _ in range(3):
            place.run()
            place.look(notices, 400)
        notices.notices.messages._tries.clear()
        place.look(notices)
        place.look(notices, 400)
        place.look(notices)
    assert [body["message"][:14] for _, body in there.got] == ["work failed at", "work failed at", "2 runs failed:"]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        pytest.param("failed_runs: at_once", "nothing says how", id="no channel"),
        pytest.param("workflow: tell, failed_runs: daily", "at_once, a number of hours or a time of day", id="when"),
        pytest.param("workflow: tell, webhook: 'https://x.example/'", "Both 'workflow' and 'webhook'", id="both"),
        pytest.param("webhook: 'http://x.example/'", "in clear text", id="clear text"),
        pytest.param("webhook: tell", "It is not an address", id="a name"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(place: Place, written: str, said: str) -> None:
    place.configure(written)
    with pytest.raises(InvalidFile) as refused:
        place.orchestra._families.opened.loaded()
    assert said in str(refused.value)
