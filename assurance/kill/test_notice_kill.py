"""Servers die around a notice of failed runs: it is sent once, and to a webhook that cannot tell at most once more."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest

from assurance.kill.storm import Storm, storm
from tests.few import rare
from tests.patience import until

pytestmark = pytest.mark.slow

HOOK = "POST /told"
QUIET_SECONDS = 14.0
"""Longer than failures are waited for, and than messages that wait are looked for."""
_NUMBERS = count(1)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storm]:
    """The workspace that all tests share."""
    with storm(tmp_path_factory.mktemp("notices") / "workspace", settings="limits: {lease_seconds: 1}") as made:
        inputs = {"type": "object", "properties": {"message": {"type": "string"}}, "required": []}
        note = {"id": "note", "uses": "flow.set", "with": {"values": {"said": "{{ inputs.message }}"}}}
        made.write("tell", {"schema_version": 1, "inputs": inputs, "steps": [note]})
        yield made


@pytest.fixture
def fails(shared: Storm) -> Callable[[str], str]:
    """Configure a channel, let a server take note, and let a run fail while nobody serves; return its workflow."""

    def prepared(channel: str) -> str:
        name = f"fails-{next(_NUMBERS)}"
        stop = {"id": "stop", "uses": "flow.fail", "with": {"message": "No."}}
        shared.write(name, {"schema_version": 1, "steps": [stop]})
        config = shared.place.root / "config.yaml"
        config.write_text(config.read_text().split("notifications:")[0] + f"notifications: {{{channel}}}\n")
        shared.web.seen.clear()
        if shared.place.rows.count("settings"):
            shared.place.rows.execute("DELETE FROM settings WHERE key LIKE 'noti%'")
        server = shared.fork("serve")
        assert server.said() == "ready"
        until(lambda: shared.query("SELECT value FROM settings WHERE key = 'notified.failed_runs'"), "the mark")
        kill(server)
        run = shared.fork("run", workflow=name, inputs=[{}])
        assert [run.said() for _ in range(3)][2] == "failed"
        run.close()
        return name

    return prepared


def kill(server: Any) -> None:
    server.signal(signal.SIGKILL)
    while server.said():
        pass
    server.close()


def serve(place: Storm, *points: str, **more: Any) -> None:
    """Serve until a server has died at each of these points, and then in peace."""
    for point in points:
        dying = place.fork("serve", signal_at=(point, 1, "SIGKILL"), **more)
        while dying.said():
            pass
        dying.close()
    last = place.fork("serve")
    time.sleep(QUIET_SECONDS)
    kill(last)


@pytest.mark.parametrize(
    ("points", "wanted"),
    [
        pytest.param(["before notice"], 1, id="before it is stored"),
        pytest.param(["after notice"], 1, id="after it"),
        pytest.param(["after sending"], 2, id="when the webhook has it, and nobody knows"),
        rare(["after sending", "after sending"], 2, id="twice then"),
        rare(["before notice", "after notice", "after sending"], 2, id="at each"),
    ],
)
def test_a_webhook_gets_a_notice_once_and_at_most_once_more(
    shared: Storm, fails: Callable[[str], str], points: list[str], wanted: int
) -> None:
    fails(f"webhook: '{shared.web.url('/told')}', failed_runs: at_once")
    serve(shared, *points)
    assert shared.web.seen[HOOK] == wanted


@pytest.mark.parametrize(
    "point", [pytest.param("before notice", id="before it is stored"), pytest.param("after notice", id="after it")]
)
def test_a_workflow_tells_people_once(shared: Storm, fails: Callable[[str], str], point: str) -> None:
    name = fails("workflow: tell, failed_runs: at_once")
    serve(shared, point)
    told = [run_id for (run_id,) in shared.query("SELECT run_id FROM runs WHERE workflow = 'tell'")]
    messages = [shared.log(run_id)["inputs"]["message"] for run_id in told]
    assert messages.count(f"{name} failed at stop: No.") == 1


@pytest.mark.control
def test_notices_that_are_stored_apart_from_the_mark_are_seen_to_be_lost(
    shared: Storm, fails: Callable[[str], str]
) -> None:
    fails(f"webhook: '{shared.web.url('/told')}', failed_runs: at_once")
    serve(shared, "between", wrong=["notices apart"])
    assert shared.web.seen[HOOK] == 0
