"""The button that starts an ended run once more, with the same inputs, on the same accounts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashboard import session
from dashboard.page import Visit
from dashboard.parts.buttons import action_button
from dashboard.parts.status import OPEN
from engine.runs.preview import RunPreview

_ASK = ""
"""Instead of a run id: a person must look at the form first."""


def run_again(visit: Visit, run: Mapping[str, Any]) -> None:
    """Show the button. What needs an agreement leads to the form, which asks for it.

    While the run is at work the button keeps its place, so that a second click never finds another one there.
    """
    if not run["workflow"]:
        return
    workflow, inputs = str(run["workflow"]), run["inputs"]

    def start(request_key: str) -> str:
        found = visit.orchestra.preview(visit.who, workflow, inputs, look=False)
        if not visit.orchestra.is_confirmed(visit.who, workflow) or must_ask(run, found):
            return _ASK
        return visit.orchestra.runs.start(visit.who, workflow, inputs, request_key=request_key)

    def go(run_id: str) -> None:
        if run_id:
            visit.go("run", id=run_id)
        session.tell("This needs your agreement: look at the form, then press Run.")
        visit.go("workflow", name=workflow, inputs_of=str(run["run_id"]))

    action_button(
        "Run again",
        "again",
        start,
        go,
        scope=str(run["run_id"]),
        icon=":material/play_arrow:",
        disabled=run["status"] in OPEN,
    )


def must_ask(run: Mapping[str, Any], found: RunPreview) -> bool:
    """Tell whether the same run would now touch other accounts than before, or something that needs a tick."""
    before = {name: one["mode"] for name, one in run["accounts"].items()}
    is_moved = any(before.get(one.name, one.mode) != one.mode for one in found.connections)
    return is_moved or any(warning.must_tick for warning in found.warnings)
