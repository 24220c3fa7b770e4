"""Runs that tell people of questions have links with which anybody can answer: viewers do not see them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.base.errors import NotAllowed
from engine.orchestra import Orchestra
from engine.people.access import NOTIFIER, Principal
from tests.engine.conftest import write_workflow
from tests.patience import PATIENCE_SECONDS

VIEWER, OPERATOR = Principal("vera", "viewer"), Principal("olga", "operator")
LINK = "http://127.0.0.1:8501/approve?token=secret"
STEPS = [{"id": "told", "uses": "flow.set", "with": {"values": {"text": "{{ inputs.link }}"}}}]
INPUTS = {"type": "object", "properties": {"link": {"type": "string"}}}
READS: list[Callable[[Orchestra, Principal, str], object]] = [
    lambda orchestra, p, run_id: orchestra.runs.get(p, run_id),
    lambda orchestra, p, run_id: orchestra.runs.look(p, run_id),
    lambda orchestra, p, run_id: orchestra.runs.diff(p, run_id, run_id),
    lambda orchestra, p, run_id: orchestra.runs.wait(p, run_id, 0),
]


@pytest.mark.parametrize("read", READS, ids=["get", "look", "diff", "wait"])
def test_a_viewer_sees_no_link_to_a_question(
    orchestra: Orchestra, read: Callable[[Orchestra, Principal, str], object]
) -> None:
    write_workflow(orchestra.workspace.root, "tell-me", STEPS, inputs=INPUTS)
    told = orchestra.runs.start(NOTIFIER, "tell-me", {"link": LINK})
    other = orchestra.runs.start(OPERATOR, "tell-me", {"link": "none"})
    for run_id in (told, other):
        orchestra.runs.wait(OPERATOR, run_id, PATIENCE_SECONDS)
        read(orchestra, OPERATOR, run_id)
    read(orchestra, VIEWER, other)
    with pytest.raises(NotAllowed, match="see runs that tell of questions"):
        read(orchestra, VIEWER, told)
    assert LINK not in str(orchestra.runs.list(VIEWER).rows)
