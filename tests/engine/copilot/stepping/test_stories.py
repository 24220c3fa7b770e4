"""A run is told step by step, by counts and states and without values."""

from __future__ import annotations

import json
from pathlib import Path

from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.workflows.new_workspace import init
from tests.patience import PATIENCE_SECONDS

OWNER = Principal("ada", "owner", confirmed=True)
STEPS = [
    {"id": "words", "uses": "flow.set", "with": {"values": {"list": ["secret one", "two"]}}},
    {"id": "never", "if": "{{ size(steps.words.output.list) > 5 }}", "uses": "flow.set", "with": {"values": {"a": 1}}},
    {
        "id": "each",
        "foreach": "{{ steps.words.output.list }}",
        "as": "word",
        "steps": [{"id": "kept", "uses": "flow.set", "with": {"values": {"word": "{{ word }}"}}}],
    },
    {"id": "saved", "uses": "file.write", "with": {"path": "words.txt", "text": "{{ steps.words.output.list[0] }}"}},
    {"id": "first", "uses": "flow.set", "with": {"values": {"a": "{{ steps.words.output.list[7] }}"}}},
]


def test_each_step_has_a_sentence_of_counts_and_states(tmp_path: Path) -> None:
    root = tmp_path / "workspace"
    init(root)
    (root / "workflows" / "told.json").write_text(json.dumps({"schema_version": 1, "title": "Told", "steps": STEPS}))
    orchestra = Orchestra.open(root)
    try:
        run_id = orchestra.runs.start(OWNER, "told", {})
        orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
        told = orchestra.copilot.stories.story(Principal("bob", "viewer"), run_id)
    finally:
        orchestra.close()
    by_path = {one.path: one for one in told.stops}
    assert {"words", "never", "each", "each[0].kept", "each[1].kept", "saved", "first"} == set(by_path)
    assert "It returned 2 list." in by_path["words"].words
    assert by_path["never"].words.startswith("It was not run: its condition did not hold")
    assert by_path["each"].words.startswith("It went over 2 items")
    assert by_path["saved"].words.endswith("It wrote once.")
    assert by_path["first"].words.startswith("It failed")
    assert [by_path[one].can_be_pinned for one in ("words", "never", "each", "first")] == [True, False, False, False]
    assert "secret" not in json.dumps([vars(one) for one in told.stops])
