"""`workflows predict`: what a changed file would do with the outputs of a run."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Orchestra


def test_a_changed_file_is_predicted_with_a_run_and_without_one(orchestra: Orchestra, workspace: Path) -> None:
    run_id = orchestra("run", "pure", "--json").json["run_id"]
    file = workspace / "workflows" / "pure.json"
    file.write_text(file.read_text().replace('{"v": "{{ inputs.n }}"}', '{"v": "{{ inputs.n + 1 }}"}'))
    found = orchestra("workflows", "predict", "pure", "--run", run_id)
    assert 'first values: {"v": 3}' in found.out
    assert "check condition: false" in found.out
    assert "run 2 times" in found.out
    steps = {one["path"]: one for one in orchestra("workflows", "predict", "pure", "--json").json["steps"]}
    assert [(one["type"], one["cases"]) for one in steps.values()] == [
        ("object", []), ("list of object", []), ("object", []), ("object", [])
    ]  # fmt: skip
    assert orchestra("workflows", "predict", "pure", "--run", "20261120T120000Z-aaaaaaaa").code != 0
