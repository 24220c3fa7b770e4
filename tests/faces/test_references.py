"""Names in use: who uses a thing follows its rename, nothing in use is deleted, and runs may start meanwhile."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from cli import main
from engine.base.errors import InUse, InvalidFile, OrchestraError, UnknownName
from engine.orchestra import Orchestra
from engine.store.acceptances import Renamed
from tests.faces.conftest import LOCAL, NAP, Faces
from tests.patience import PATIENCE_SECONDS

HAND_WRITTEN = """{"schema_version": 1,

    "title":   "Written by hand",  "inputs": {"type":"object","properties":{"ask":{"type":"boolean","default":false}}},
  "triggers": [{"id": "after", "uses": "workflow.finished", "with": {"workflows": ["small", "nap"]}}],
  "steps": [ {"id":"said", "uses":"flow.set",
       "with":{"values":{"prompt":"classify-mail@production","workflow":"small"}}},
     {"id":"ask", "if":"{{ inputs.ask }}", "uses":"llm.extract",
        "with": {"prompt" : "classify-mail@production", "variables": {"subject":"s","text":"t"}}},
     {"id":"call", "uses":"workflow.run", "with":{ "workflow":"sm\\u0061ll" }} ] }
"""


@pytest.fixture
def orchestra(make_faces: Callable[[], Faces]) -> Orchestra:
    return make_faces().orchestra


def written(orchestra: Orchestra) -> Path:
    path = orchestra.workspace.root / "workflows" / "by-hand.json"
    path.write_text(HAND_WRITTEN)
    assert not [one for one in orchestra.workflows.get(LOCAL, "by-hand").problems if one.severity == "error"]
    return path


def test_a_renamed_prompt_changes_nothing_else_of_its_users(orchestra: Orchestra) -> None:
    path = written(orchestra)
    run_id = orchestra.runs.start(LOCAL, "by-hand", {})
    assert orchestra.runs.wait(LOCAL, run_id, PATIENCE_SECONDS)["status"] == "succeeded"
    assert orchestra.prompts.rename(LOCAL, "classify-mail", "sort-mail") == ["by-hand", "inbox-triage"]
    use = '"prompt" : "classify-mail@production"'
    assert path.read_text() == HAND_WRITTEN.replace(use, use.replace("classify", "sort"))
    assert orchestra.prompts.get(LOCAL, "sort-mail").labels == {"production": 1}
    with pytest.raises(UnknownName):
        orchestra.prompts.get(LOCAL, "classify-mail")
    again = orchestra.runs.wait(LOCAL, orchestra.runs.rerun(LOCAL, run_id), PATIENCE_SECONDS)
    assert again["status"] == "succeeded"
    earlier = orchestra.runs.get(LOCAL, run_id)["definition"]["prompts"]
    assert list(earlier) == ["classify-mail@production"]


def test_a_renamed_workflow_is_still_called_and_listened_to(orchestra: Orchestra) -> None:
    path = written(orchestra)
    orchestra.workflows.rename(LOCAL, "small", "tiny")
    expected = HAND_WRITTEN.replace('["small", "nap"]', '["tiny", "nap"]').replace('"sm\\u0061ll"', '"tiny"')
    assert path.read_text() == expected
    assert orchestra.workflows.get(LOCAL, "caller").problems == []
    document = orchestra.runs.wait(LOCAL, orchestra.runs.start(LOCAL, "caller", {}), PATIENCE_SECONDS)
    assert document["status"] == "succeeded"


def test_what_is_used_is_not_deleted_and_the_users_are_named(orchestra: Orchestra) -> None:
    written(orchestra)
    with pytest.raises(InUse, match="by-hand, inbox-triage"):
        orchestra.prompts.delete(LOCAL, "classify-mail")
    with pytest.raises(InUse, match="by-hand, caller"):
        orchestra.workflows.delete(LOCAL, "small")
    with pytest.raises(InUse, match="label 'production'"):
        orchestra.prompts.remove_label(LOCAL, "classify-mail", "production")
    orchestra.workflows.delete(LOCAL, "caller")
    orchestra.workflows.delete(LOCAL, "by-hand")
    orchestra.workflows.delete(LOCAL, "small")


def test_a_user_that_cannot_be_read_is_in_the_way(orchestra: Orchestra) -> None:
    path = written(orchestra)
    path.write_text(HAND_WRITTEN.replace("] }", "]"))
    with pytest.raises(InUse, match="by-hand"):
        orchestra.prompts.delete(LOCAL, "classify-mail")
    with pytest.raises(InvalidFile, match="by-hand"):
        orchestra.prompts.rename(LOCAL, "classify-mail", "sort-mail")
    assert orchestra.prompts.get(LOCAL, "classify-mail").labels == {"production": 1}


def test_runs_start_while_their_prompt_is_renamed(orchestra: Orchestra) -> None:
    written(orchestra)
    run_ids: list[str] = []
    refused: list[OrchestraError] = []
    is_over = threading.Event()

    def start() -> None:
        while not is_over.is_set():
            try:
                run_ids.append(orchestra.runs.start(LOCAL, "by-hand", {}))
            except OrchestraError as error:
                refused.append(error)

    threads = [threading.Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(10):
        orchestra.prompts.rename(
            LOCAL, *(("classify-mail", "sort-mail") if number % 2 == 0 else ("sort-mail", "classify-mail"))
        )
    is_over.set()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    assert [error.message for error in refused] == []
    assert run_ids
    ends = {orchestra.runs.wait(LOCAL, run_id, PATIENCE_SECONDS)["status"] for run_id in run_ids}
    assert ends == {"succeeded"}


def test_no_run_is_open_of_a_workflow_that_was_deleted_meanwhile(orchestra: Orchestra) -> None:
    (orchestra.workspace.root / "workflows" / "doze.json").write_text(json.dumps({**NAP, "title": "Doze"}))
    odd: list[OrchestraError] = []
    barrier = threading.Barrier(4)

    def start() -> None:
        barrier.wait(PATIENCE_SECONDS)
        try:
            orchestra.runs.start(LOCAL, "doze", {})
        except (UnknownName, Renamed):
            pass
        except OrchestraError as error:
            odd.append(error)

    deleted = []
    for _ in range(8):
        (orchestra.workspace.root / "workflows" / "doze.json").write_text(json.dumps({**NAP, "title": "Doze"}))
        threads = [threading.Thread(target=start) for _ in range(3)]
        for thread in threads:
            thread.start()
        barrier.wait(PATIENCE_SECONDS)
        try:
            orchestra.workflows.delete(LOCAL, "doze")
            is_deleted = True
        except InUse:
            is_deleted = False
        for thread in threads:
            thread.join(PATIENCE_SECONDS)
        rows = [row for row in orchestra.runs.list(LOCAL, workflow="doze").rows if row.status != "cancelled"]
        assert not (is_deleted and rows)
        deleted.append(is_deleted)
        for row in rows:
            with suppress(InUse):  # a run of a workflow that was deleted meanwhile cancels itself
                orchestra.runs.cancel(LOCAL, row.run_id)
            orchestra.runs.wait(LOCAL, row.run_id, PATIENCE_SECONDS)
    assert odd == []


def test_a_version_that_breaks_a_workflow_says_so(
    make_faces: Callable[[], Faces], capsys: pytest.CaptureFixture[str]
) -> None:
    faces = make_faces()
    orchestra = faces.orchestra
    file = orchestra.prompts.get(LOCAL, "classify-mail")
    document = json.loads(file.text)
    document["output_schema"]["properties"]["kind"]["enum"].remove("bug")
    orchestra.prompts.save_version(LOCAL, "classify-mail", json.dumps(document), file.etag, "staging")
    page = faces.page(lambda go: go("prompt", name="classify-mail"))
    assert "never 'bug'" not in "".join(one.value for one in page.value.warning)
    capsys.readouterr()
    main(["prompts", "label", "classify-mail", "production", "2", "--workspace", str(orchestra.workspace.root)])
    assert "never 'bug'" in capsys.readouterr().err
    page = faces.page(lambda go: go("prompt", name="classify-mail"))
    assert "never 'bug'" in "".join(one.value for one in page.value.warning)
