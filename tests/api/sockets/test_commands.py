"""The socket of a command: what it sends as it comes, who may see it, and what a slow client costs."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from api.sockets.messages import OF_COMMAND
from engine.orchestra import Orchestra
from engine.sandbox.walls import walls
from tests.api.conftest import LOCAL, PASSWORD
from tests.api.sockets.test_sockets import close_code, message, opened, refusal

pytestmark = pytest.mark.skipif(walls() is None, reason="bubblewrap does not work here")
MANY = "i=0; while [ $i -lt 40000 ]; do echo $i; i=$((i+1)); done"


@pytest.fixture
def token(orchestra: Orchestra) -> dict[str, str]:
    """The header of a viewer."""
    orchestra.projects.create(LOCAL, "sums")
    orchestra.users.add(LOCAL, "ada", "Ada", "viewer", PASSWORD)
    return {"Authorization": f"Bearer {orchestra.users.token('ada', PASSWORD)}"}


def heard(socket: Any) -> tuple[list[dict[str, Any]], str, int]:
    """All messages until the end: (they, the text, how many characters were left out)."""
    found: list[dict[str, Any]] = []
    while not found or found[-1]["type"] != "end":
        found.append(message(socket, OF_COMMAND))
    outputs = [one for one in found if one["type"] == "output"]
    text = "".join(part["text"] for one in outputs for part in one["parts"])
    return found, text, sum(one["skipped"] for one in outputs)


def test_output_comes_before_the_command_has_ended(
    client: TestClient, orchestra: Orchestra, token: dict[str, str]
) -> None:
    run = orchestra.project_runs.start(LOCAL, "sums", "echo one; sleep 60; echo two")
    with opened(client, f"projects/sums/runs/{run.id}", None, **token) as socket:
        assert message(socket, OF_COMMAND)["run"]["state"] == "running"
        assert message(socket, OF_COMMAND)["parts"] == [{"stream": "stdout", "text": "one\n"}]
        orchestra.project_runs.stop(LOCAL, "sums", run.id)
        ended = message(socket, OF_COMMAND)
        assert (ended["type"], ended["run"]["state"]) == ("end", "stopped")
        assert close_code(socket) == 1000


def test_all_is_sent_or_counted(client: TestClient, orchestra: Orchestra, token: dict[str, str]) -> None:
    run = orchestra.project_runs.start(LOCAL, "sums", MANY)
    with opened(client, f"projects/sums/runs/{run.id}", None, **token) as socket:
        found, text, skipped = heard(socket)
    whole = "".join(f"{number}\n" for number in range(40_000))
    assert whole.endswith(text[-60_000:])
    assert len(text) + skipped == len(whole)
    assert max(sum(len(one["text"]) for one in each.get("parts", ())) for each in found) <= 64 * 1024
    orchestra.project_runs.wait(LOCAL, "sums", run.id)
    with opened(client, f"projects/sums/runs/{run.id}", None, **token) as socket:  # long after its end
        _, text, skipped = heard(socket)
    assert (len(text), skipped) == (64 * 1024, len(whole) - 64 * 1024)


def test_strangers_other_projects_and_foreign_pages_are_refused(
    client: TestClient, orchestra: Orchestra, token: dict[str, str]
) -> None:
    run = orchestra.project_runs.start(LOCAL, "sums", "true").id
    orchestra.projects.create(LOCAL, "other")
    assert refusal(client, f"projects/sums/runs/{run}") == (401, "Unauthorized")
    assert refusal(client, f"projects/other/runs/{run}", None, **token) == (404, "UnknownName")
    assert refusal(client, "projects/sums/runs/nothing", None, **token) == (404, "UnknownName")
    orchestra.users.remove(LOCAL, "ada")
    assert refusal(client, f"projects/sums/runs/{run}", None, **token) == (401, "Unauthorized")


def test_more_than_four_commands_at_once_are_refused(orchestra: Orchestra, token: dict[str, str]) -> None:
    runs = [orchestra.project_runs.start(LOCAL, "sums", "sleep 60").id for _ in range(4)]
    with pytest.raises(Exception, match="4 commands are running already"):
        orchestra.project_runs.start(LOCAL, "sums", "true")
    orchestra.project_runs.stop(LOCAL, "sums", runs[0])
    last = orchestra.project_runs.start(LOCAL, "sums", "true").id
    for one in runs[1:]:
        assert orchestra.project_runs.stop(LOCAL, "sums", one).state == "stopped"
    assert orchestra.project_runs.wait(LOCAL, "sums", last).state == "succeeded"
