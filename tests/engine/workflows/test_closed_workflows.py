"""Which workflows are closed to whom, through renames, deletions, damaged files and ids that come back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import InvalidFile, InvalidInput, NotAllowed, PlanDrift, UnknownName
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.runs.compare.diff import line
from engine.runs.exporting.run_bundle import unpacked
from tests.workspaces import init

LOCAL = Principal("local:grace", "owner")
ADA, BOB, EVE = Principal("ada", "editor"), Principal("bob", "operator"), Principal("eve", "viewer")
CALL = {"id": "call", "uses": "workflow.run", "with": {"workflow": "secret"}}
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


CALLS = {
    "schema_version": 1,
    "steps": [
        CALL,
        {"id": "fail", "uses": "flow.fail", "with": {"message": "Stop."}},
    ],
}


@pytest.fixture
def changed_since(orchestra: Orchestra) -> list[str]:
    """Two failed runs of a visible workflow that calls a hidden one, which was changed in between: their ids."""
    orchestra.workflows.save(LOCAL, "secret", json.dumps(hidden_with({"made": "VantaOld"})), None)
    orchestra.workflows.save(LOCAL, "outer", json.dumps(CALLS), None)
    before = failed(orchestra)
    write(orchestra, hidden_with({"made": "VantaNew"}))
    return [before, failed(orchestra)]


def write(orchestra: Orchestra, document: dict[str, Any]) -> None:
    (orchestra.workspace.root / "workflows" / "secret.json").write_text(json.dumps(document))


def hidden_with(values: Any) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "id": "secret",
        "access": {"see": ["bob"]},
        "steps": [{"id": "made", "uses": "flow.set", "with": {"values": values}}],
    }


def failed(orchestra: Orchestra) -> str:
    run_id = orchestra.runs.start(LOCAL, "outer", {})
    assert orchestra.runs.wait(LOCAL, run_id, 60)["status"] == "failed"
    return run_id


@pytest.mark.parametrize(("p", "is_told"), [(ADA, False), (BOB, True), (LOCAL, True)])
def test_a_comparison_of_runs_says_only_that_a_hidden_called_workflow_has_changed(
    orchestra: Orchestra, changed_since: list[str], p: Principal, is_told: bool
) -> None:
    found = orchestra.runs.diff(p, *changed_since)
    told = json.dumps(found.as_json())
    assert ("VantaOld" in told, "VantaNew" in told, "steps[0]" in told) == (is_told, is_told, is_told)
    assert "workflows.secret" in found.sentence
    if not is_told:
        assert found.as_json()["definition"] == [{"field": "workflows.secret"}]
        assert [line(one) for one in found.definition] == ["workflows.secret has changed"]


@pytest.mark.parametrize(("p", "is_told"), [(ADA, False), (BOB, True), (LOCAL, True)])
def test_a_refused_resume_says_only_that_a_hidden_called_workflow_has_changed(
    orchestra: Orchestra, changed_since: list[str], p: Principal, is_told: bool
) -> None:
    with pytest.raises(InvalidInput, match="what has finished was changed") as caught:
        orchestra.runs.resume(p, changed_since[0], newest=True)
    newer = orchestra.runs.newer(p, changed_since[0])
    assert newer is not None
    assert newer.refused is not None
    for error in (caught.value, newer.refused):
        told = f"{error.message} {error} {json.dumps(error.details)}"
        assert ("VantaOld" in told, "VantaNew" in told) == (is_told, is_told)
        assert "workflows.secret" in error.message
        if not is_told:
            assert error.details["differences"] == [{"step": "call", "field": "workflows.secret"}]


@pytest.mark.parametrize(("p", "is_told"), [(ADA, False), (BOB, True), (LOCAL, True)])
def test_an_exported_run_lacks_a_hidden_called_workflow_and_says_so_when_it_is_imported(
    orchestra: Orchestra, changed_since: list[str], p: Principal, is_told: bool
) -> None:
    content = orchestra.run_bundles.export(p, changed_since[0])
    definition = unpacked(content).run["definition"]
    assert ("VantaOld" in json.dumps(definition)) is is_told
    if is_told:
        run_id = orchestra.run_bundles.imported(LOCAL, content)
        orchestra.runs.wait(LOCAL, run_id, 60)
        assert orchestra.run_bundles.replayed(LOCAL, run_id).is_same
    else:
        with pytest.raises(InvalidFile, match="lacks the workflow 'secret'") as caught:
            orchestra.run_bundles.imported(LOCAL, content)
        assert "may see" in caught.value.remedy


@pytest.mark.parametrize(("p", "is_told"), [(ADA, False), (BOB, True), (LOCAL, True)])
def test_a_changed_plan_says_only_that_a_hidden_called_workflow_has_changed(
    orchestra: Orchestra, changed_since: list[str], p: Principal, is_told: bool
) -> None:
    orchestra.workflows.save(LOCAL, "calm", json.dumps({"schema_version": 1, "steps": [CALL]}), None)
    plan_id = orchestra.plans.make(LOCAL, "calm", {})
    orchestra.runs.wait(LOCAL, plan_id, 60)
    write(orchestra, hidden_with({"made": "VantaNewest"}))
    with pytest.raises(PlanDrift) as caught:
        orchestra.plans.apply(p, plan_id)
    error = f"{caught.value.message} {json.dumps(caught.value.details)}"
    for told in (error, json.dumps(orchestra.plans.show(p, plan_id), default=str)):
        assert ("VantaNew" in told) is is_told
        assert "workflows.secret" in told


@pytest.mark.parametrize(("p", "is_told"), [(ADA, False), (BOB, True), (LOCAL, True)])
def test_a_problem_of_a_hidden_called_workflow_is_not_quoted(
    orchestra: Orchestra, changed_since: list[str], p: Principal, is_told: bool
) -> None:
    between = {"schema_version": 1, "steps": [CALL]}
    for name, called in (("between", "secret"), ("top", "between")):
        text = json.dumps(between).replace('"secret"', f'"{called}"')
        orchestra.workflows.save(LOCAL, name, text, None)
    write(orchestra, hidden_with("Vanta"))
    for name in ("outer", "between", "top"):
        file = orchestra.workflows.get(p, name)
        [problem] = [one for one in file.problems if one.severity == "error"]
        with pytest.raises(InvalidFile) as caught:
            orchestra.runs.start(p, name, {})
        newer = orchestra.runs.newer(p, changed_since[0])
        assert newer is not None
        assert newer.refused is not None
        for error in (caught.value, newer.refused):
            texts = [str(problem), str(error), error.message, *map(str, getattr(error, "problems", []))]
            for told in texts:
                assert ("Vanta" in told) is is_told, told
                assert "The workflow 'secret' has 1 problem" in told


def test_it_is_checked_with_place_value_and_remedy(orchestra: Orchestra) -> None:
    put(orchestra, {"see": ["nobody", "role:bos"], "sea": []})
    problems = orchestra.workflows.get(LOCAL, "secret").problems
    assert {one.field for one in problems} >= {"access.see.1", "access.sea"}
    put(orchestra, {"see": ["nobody"]})
    [warning] = [one for one in orchestra.workflows.get(LOCAL, "secret").problems if one.code == "access"]
    assert (warning.severity, warning.field) == ("warning", "access.see.0")
    assert "'nobody'" in warning.message
    assert "orchestra users add" in warning.remedy
