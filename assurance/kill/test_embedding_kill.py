"""A process that is killed while it makes vectors has paid for at most one request in vain."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from clients.client import Opening
from clients.models.vectors import AT_ONCE
from clients.rag.client import RagClient
from clients.rag.service import RagSettings
from tests.engine.budgets.conftest import Desk, desk
from tests.engine.conftest import OWNER
from tests.engine.steps.rag.test_embedding import EMBED, LONG, embedded, index, model
from tests.patience import until

__all__ = ["desk"]

_CLI = Path(__file__).parents[2] / "cli.py"


def test_after_a_kill_only_the_last_request_is_sent_again(desk: Desk) -> None:
    model(desk)
    desk.workflow([index(LONG)])
    before = embedded(desk)
    desk.standins.faults("openai", match=EMBED, times=2)  # these two are answered at once
    desk.standins.faults("openai", match=EMBED, delay_seconds=30)
    command = [sys.executable, str(_CLI), "run", "work", "--yes", "--workspace", str(desk.root)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as killed:
        until(lambda: embedded(desk) == before + 3, "the third request")
        killed.kill()
    state = RagClient.open(RagSettings(), Opening(shared_folder=desk.root / ".orchestra"))
    assert state.collection("home").vectors == 2 * AT_ONCE
    [run_id] = desk.orchestra.runs.resume_all(OWNER)
    run = desk.wait(run_id)
    assert run["status"] == "succeeded", run["error"]
    assert run["steps"][0]["output"]["embedded"] == AT_ONCE
    assert embedded(desk) == before + 4
