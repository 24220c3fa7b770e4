"""Which workflows are closed to whom, through renames, deletions, damaged files and ids that come back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import NotAllowed, UnknownName
from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.workspaces import init

LOCAL = Principal("local:grace", "owner")
ADA, BOB, EVE = Principal("ada", "editor"), Principal("bob", "operator"), Principal("eve", "viewer")
STEPS = [{"id": "made", "uses": "flow.set", "with": {"values": {"made": 1}}}]


@pytest.fixture
def orchestra(tmp_path: Path) -> Iterator[Orchestra]:
    init(tmp_path)
    orchestra = Orchestra.open(tmp_path, demo=True)
    yield orchestra
    orchestra.close()


def put(orchestra: Orchestra, access: Any, name: str = "secret", **more: Any) -> None:
    """Write the file as by hand, so that a mistake in it is possible."""
    document = {
        "schema_version": 1,
        "id": name,
        **({} if access is ... else {"access": access}),
        "steps": STEPS,
        **more,
    }
    (orchestra.workspace.root / "workflows" / f"{name}.json").write_text(json.dumps(document))


def seeing(orchestra: Orchestra) -> set[str]:
    return {p.id for p in (ADA, BOB, EVE) if "secret" in orchestra.workflows.names(p)}


@pytest.mark.parametrize(
    ("access", "expected"),
    [
        pytest.param(..., {"ada", "bob", "eve"}, id="none"),
        pytest.param({}, {"ada", "bob", "eve"}, id="empty"),
        pytest.param({"run": []}, {"ada", "bob", "eve"}, id="only another list"),
        pytest.param({"see": []}, set(), id="nobody"),
        pytest.param({"see": ["bob"]}, {"bob"}, id="a user"),
        pytest.param({"see": ["role:editor"]}, {"ada"}, id="a role"),
        pytest.param({"see": ["role:operator"]}, {"ada", "bob"}, id="a role and those above it"),
        pytest.param(None, set(), id="null"),
        pytest.param([], set(), id="no object"),
        pytest.param({"sea": ["ada"]}, set(), id="an unknown list"),
        pytest.param({"see": "ada"}, set(), id="no list"),
        pytest.param({"see": ["ada", 7]}, set(), id="no name"),
        pytest.param({"see": ["ada", "role:boss"]}, set(), id="an unknown role"),
        pytest.param({"run": ["role:boss"]}, set(), id="a mistake in another list"),
    ],
)
def test_who_sees_it(orchestra: Orchestra, access: Any, expected: set[str]) -> None:
    put(orchestra, access)
    assert seeing(orchestra) == expected
    assert "secret" in orchestra.workflows.names(LOCAL)


@pytest.mark.parametrize(
    "text", ['{"access": {"see": ["ada"]}', '{"\\u0061ccess": {"see": ["ada"]},', '{"access": {}, "access": {}}']
)
def test_a_damaged_file_that_may_have_one_is_closed(orchestra: Orchestra, text: str) -> None:
    (orchestra.workspace.root / "workflows" / "secret.json").write_text(text)
    assert seeing(orchestra) == set()


def test_a_damaged_file_without_one_can_be_mended_as_before(orchestra: Orchestra) -> None:
    (orchestra.workspace.root / "workflows" / "secret.json").write_text('{"steps": [')
    assert seeing(orchestra) == {"ada", "bob", "eve"}


def test_a_closed_file_that_gets_damaged_stays_closed(orchestra: Orchestra) -> None:
    put(orchestra, {"see": []})
    assert seeing(orchestra) == set()
    (orchestra.workspace.root / "workflows" / "secret.json").write_text('{"steps": [')
    assert seeing(orchestra) == set()


def test_runs_stay_closed_after_a_rename_a_deletion_and_a_new_workflow_of_that_name(orchestra: Orchestra) -> None:
    put(orchestra, {"see": ["bob"]})
    run_id = orchestra.runs.start(LOCAL, "secret", {})
    orchestra.runs.wait(LOCAL, run_id, 60)

    def require_closed() -> None:
        with pytest.raises(UnknownName):
            orchestra.runs.get(ADA, run_id)
        assert orchestra.runs.list(ADA).rows == []
        assert [row.run_id for row in orchestra.runs.list(BOB).rows] == [run_id]

    require_closed()
    orchestra.workflows.rename(LOCAL, "secret", "renamed")
    require_closed()
    orchestra.workflows.delete(LOCAL, "renamed")
    require_closed()
    for name in ("secret", "renamed"):
        orchestra.workflows.create(ADA, name)
        assert orchestra.runs.list(ADA, workflow=name).rows == []
        require_closed()
    document = {"schema_version": 1, "id": "secret", "steps": STEPS}
    assert orchestra.workflows.create_from(ADA, "third", document).document["id"] != "secret"  # type: ignore[index]
    put(orchestra, ..., "fourth", id="secret")  # by hand
    require_closed()


def test_runs_stay_closed_though_nobody_had_read_the_file_before_it_went(orchestra: Orchestra) -> None:
    put(orchestra, {"see": ["bob"]})
    run_id = orchestra.runs.start(LOCAL, "secret", {})
    orchestra.runs.wait(LOCAL, run_id, 60)
    orchestra.workflows.delete(LOCAL, "secret")
    with pytest.raises(UnknownName):
        orchestra.runs.get(ADA, run_id)
    assert [row.run_id for row in orchestra.runs.list(BOB).rows] == [run_id]


def test_only_an_owner_changes_it(orchestra: Orchestra) -> None:
    put(orchestra, {"run": ["bob"]})
    file = orchestra.workflows.get(ADA, "secret")
    before, etag = json.loads(file.text), file.etag
    for changed in ({**before, "access": {}}, {**before, "access": {"run": ["ada"]}}, {**before, "access": None}):
        with pytest.raises(NotAllowed, match="may not change the 'access'"):
            orchestra.workflows.save(ADA, "secret", json.dumps(changed), etag)
    del before["access"]
    with pytest.raises(NotAllowed, match="may not change the 'access'"):
        orchestra.workflows.save(ADA, "secret", json.dumps(before), etag)
    with pytest.raises(NotAllowed, match="may not change the 'access'"):
        orchestra.workflows.save(ADA, "another", json.dumps({**before, "id": "x", "access": {"see": ["ada"]}}), None)
    titled = json.dumps({**json.loads(file.text), "title": "By ada"})
    etag = orchestra.workflows.save(ADA, "secret", titled, etag).etag
    assert orchestra.workflows.save(LOCAL, "secret", json.dumps(before), etag).document == before


def test_a_branch_a_version_and_a_bundle_do_not_loosen_it(orchestra: Orchestra) -> None:
    put(orchestra, ...)
    orchestra.versions.label(ADA, "secret", "open")
    orchestra.branches.create(ADA, "secret", "side")
    bundle = orchestra.bundles.export(LOCAL, "secret")
    etag = orchestra.workflows.get(LOCAL, "secret").etag
    closed = {"schema_version": 1, "id": "secret", "access": {"run": ["bob"]}, "steps": STEPS}
    etag = orchestra.workflows.save(LOCAL, "secret", json.dumps(closed), etag).etag
    with pytest.raises(NotAllowed, match="may not change the 'access'"):
        orchestra.versions.restore(ADA, "secret", "open", etag)
    with pytest.raises(NotAllowed, match="does not let ada run it"):
        orchestra.runs.start(ADA, "secret@side", {})
    assert bundle.name == "secret"


def test_a_call_of_what_one_may_not_run_cannot_be_saved(orchestra: Orchestra) -> None:
    put(orchestra, {"run": ["bob"]})
    calls = {"schema_version": 1, "steps": [{"id": "call", "uses": "workflow.run", "with": {"workflow": "secret"}}]}
    with pytest.raises(NotAllowed, match="may not run the workflow 'secret'"):
        orchestra.workflows.save(ADA, "outer", json.dumps(calls), None)
    made = orchestra.workflows.save(LOCAL, "outer", json.dumps(calls), None)
    kept = json.dumps({**json.loads(made.text), "title": "Outer"})
    assert orchestra.workflows.save(ADA, "outer", kept, made.etag).document is not None
    run_id = orchestra.runs.start(ADA, "outer", {})
    assert orchestra.runs.wait(ADA, run_id, 60)["status"] == "succeeded"  # its author has decided


def test_a_run_does_not_show_the_definition_of_a_hidden_workflow_that_it_called(orchestra: Orchestra) -> None:
    put(orchestra, {"see": ["bob"]}, title="Vanta")
    calls = {"schema_version": 1, "steps": [{"id": "call", "uses": "workflow.run", "with": {"workflow": "secret"}}]}
    orchestra.workflows.save(LOCAL, "outer", json.dumps(calls), None)
    run_id = orchestra.runs.start(ADA, "outer", {})
    run = orchestra.runs.wait(ADA, run_id, 60)
    assert run["status"] == "succeeded"
    assert "Vanta" not in json.dumps(orchestra.runs.get(ADA, run_id), default=str)
    assert "Vanta" in json.dumps(orchestra.runs.get(LOCAL, run_id), default=str)


def test_it_is_checked_with_place_value_and_remedy(orchestra: Orchestra) -> None:
    put(orchestra, {"see": ["nobody", "role:bos"], "sea": []})
    problems = orchestra.workflows.get(LOCAL, "secret").problems
    assert {one.field for one in problems} >= {"access.see.1", "access.sea"}
    put(orchestra, {"see": ["nobody"]})
    [warning] = [one for one in orchestra.workflows.get(LOCAL, "secret").problems if one.code == "access"]
    assert (warning.severity, warning.field) == ("warning", "access.see.0")
    assert "'nobody'" in warning.message
    assert "orchestra users add" in warning.remedy
