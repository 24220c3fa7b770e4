"""Which steps of two definitions give the same outputs."""

from __future__ import annotations

from typing import Any

import pytest

from engine.compiler.definition.step_model import STEP_FIELDS
from engine.record.definitions import changed_steps

STEP = {"id": "mark", "title": "Mark it", "uses": "data.set", "with": {"value": "{{ mail.id }}"}}
FALLBACK = {"id": "instead", "uses": "data.set", "with": {"value": 1}, "note": "rarely"}
LOOP = {**STEP, "foreach": "{{ inputs.mails }}", "as": "mail", "item_title": "{{ mail.id }}", "parallel": 2}
GUARDED = {**STEP, "on_error": {"steps": [FALLBACK]}}


def changed(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Return the steps that another definition has made, when the only step of a workflow is changed."""
    before, after = ({"workflow": {"steps": [one]}} for one in (old, new))
    return [*changed_steps(before, after)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("step", "new", "paths"),
    [
        pytest.param(STEP, {"title": "Mark", "note": "For Ada", "needs": []}, [], id="titles, notes and order"),
        pytest.param(STEP, {"retry": {"attempts": 5}, "timeout_seconds": 9, "approve": True}, [], id="its call"),
        pytest.param(STEP, {"with": {"value": 2}}, ["mark"], id="a field of the step type"),
        pytest.param(STEP, {"uses": "http.request"}, ["mark"], id="the step type"),
        pytest.param(STEP, {"connection": "work"}, ["mark"], id="the account"),
        pytest.param(STEP, {"if": "{{ false }}"}, ["mark"], id="when it runs"),
        pytest.param(LOOP, {"title": "All", "item_title": "a mail", "parallel": 4}, [], id="titles of a loop"),
        pytest.param(LOOP, {"foreach": "{{ [] }}"}, ["mark"], id="the list of a loop"),
        pytest.param(LOOP, {"with": {"value": 2}}, ["mark.mark"], id="the call in a loop"),
        pytest.param(GUARDED, {"on_error": {"steps": [{**FALLBACK, "note": "never"}]}}, [], id="a note of a fallback"),
        pytest.param(
            GUARDED, {"on_error": {"steps": [{**FALLBACK, "with": {}}]}}, ["mark", "mark.instead"], id="a fallback"
        ),
    ],
)
def test_a_step_is_changed_if_its_output_may_be_another(
    step: dict[str, Any], new: dict[str, Any], paths: list[str]
) -> None:
    assert {*new} <= {*STEP_FIELDS}
    assert changed(step, {**step, **new}) == paths
