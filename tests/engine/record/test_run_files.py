"""Files in a run: kept under their hash, handed on by name, read where a field takes one, and by no forged name."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import engine.steps
from engine.base.errors import InvalidInput
from engine.orchestra import Orchestra
from engine.plugins import registry
from engine.record.events import StepFinished
from engine.runner.effects.ledger import arguments_hash
from engine.runner.execution.recording import Recording
from tests.engine.conftest import OWNER, Run, Service, get_step, set_step, write_workflow
from tests.patience import PATIENCE_SECONDS

SCAN = '{"is": "the scan"}'
BYTES = b"\xff\x00" + SCAN.encode()
SENT = ["scan.pdf", "application/pdf", base64.b64encode(BYTES).decode()]
ONE = "{{ steps.fetch.output.file }}"


@pytest.fixture(autouse=True)
def parcels() -> Iterator[None]:
    """Step types that give and take files."""
    folder = str(Path(__file__).parent / "step_types")
    engine.steps.__path__.append(folder)
    registry.STEPS.forget()
    yield
    engine.steps.__path__.remove(folder)
    registry.STEPS.forget()


@pytest.fixture
def scan(service: Service) -> str:
    """The address of a file."""
    service.texts["/scan"] = SCAN
    return service.url("/scan")


def fetch(url: str) -> dict[str, Any]:
    return {"id": "fetch", "uses": "parcel.fetch", "with": {"url": url}}


def post(service: Service, files: Any = (ONE,), **more: Any) -> dict[str, Any]:
    return {"id": "post", "uses": "parcel.post", "with": {"url": service.url("/post"), "files": files}, **more}


def file_path(orchestra: Orchestra) -> Path:
    """The one file of all runs."""
    (path,) = orchestra.workspace.logs.glob("*/*.files/*")
    return path


def test_a_file_is_kept_beside_the_log_and_handed_on_by_name(
    run: Run, orchestra: Orchestra, service: Service, scan: str
) -> None:
    document = run([fetch(scan), post(service)], outputs={"file": ONE})
    assert document["status"] == "succeeded", document["error"]
    reference = {
        "$file": f"{document['run_id']}.files/{hashlib.sha256(BYTES).hexdigest()}",
        "name": "scan.pdf",
        "bytes": len(BYTES),
        "media_type": "application/pdf",
    }
    assert document["steps"][0]["output"] == {"file": reference}
    assert document["steps"][1]["arguments"]["files"] == [reference]
    assert document["outputs"] == {"file": reference}
    assert file_path(orchestra).read_bytes() == BYTES
    assert service.bodies[-1] == [SENT]


@pytest.mark.parametrize(
    "files",
    [
        pytest.param("{{ [steps.fetch.output.file] }}", id="list"),
        pytest.param("{{ [steps.fetch.output].filter(one, one.file.bytes > 3).map(one, one.file) }}", id="filter"),
        pytest.param("{{ steps.set.output.kept }}", id="through-a-step"),
    ],
)
def test_expressions_choose_files_by_name_size_and_type(run: Run, service: Service, scan: str, files: str) -> None:
    condition = "{{ steps.fetch.output.file.name.endsWith('.pdf') && steps.fetch.output.file.media_type != '' }}"
    kept = set_step("set", {"kept": [ONE]})
    document = run([fetch(scan), kept, post(service, files, **{"if": condition})])
    assert document["status"] == "succeeded", document["error"]
    assert service.bodies[-1] == [SENT]


def test_files_of_a_loop_are_gathered_after_it(run: Run, service: Service, scan: str) -> None:
    each = {"id": "each", "foreach": "{{ [1, 2, 3] }}", "parallel": 3, "steps": [fetch(scan)]}
    document = run([each, post(service, "{{ steps.each.output.map(one, one.fetch.file) }}")])
    assert document["status"] == "succeeded", document["error"]
    assert service.bodies[-1] == [SENT] * 3


def test_a_resumed_run_has_its_files(run: Run, orchestra: Orchestra, service: Service, scan: str) -> None:
    service.answers = {"/r": [404]}
    document = run([fetch(scan), get_step("r", service.url("/r")), post(service)])
    assert document["status"] == "failed"
    orchestra.close()
    again = Orchestra.open(orchestra.workspace.root)
    again.runs.resume(OWNER, document["run_id"])
    document = again.runs.wait(OWNER, document["run_id"], PATIENCE_SECONDS)
    again.close()
    assert document["status"] == "succeeded", document["error"]
    assert service.seen["/scan"] == 1
    assert service.bodies[-1] == [SENT]


def test_a_called_run_takes_and_gives_files(run: Run, root: Path, service: Service, scan: str) -> None:
    given = {"type": "object", "properties": {"file": {"type": "object"}}}
    outputs = {"file": "{{ inputs.file }}"}
    write_workflow(root, "inner", [post(service, "{{ [inputs.file] }}")], inputs=given, outputs=outputs)
    call = {"id": "call", "uses": "workflow.run", "with": {"workflow": "inner", "inputs": {"file": ONE}}}
    document = run([fetch(scan), call, post(service, "{{ [steps.call.output.file] }}")])
    assert document["status"] == "succeeded", document["error"]
    assert service.bodies[-2:] == [[SENT], [SENT]]


@pytest.mark.parametrize("damage", ["gone", "changed"])
def test_a_file_that_is_gone_fails_the_write_before_anything_is_sent(
    run: Run, orchestra: Orchestra, service: Service, scan: str, damage: str
) -> None:
    service.answers = {"/r": [404]}
    document = run([fetch(scan), get_step("r", service.url("/r")), post(service)])
    path = file_path(orchestra)
    path.unlink() if damage == "gone" else path.write_bytes(b"other")
    orchestra.runs.resume(OWNER, document["run_id"])
    document = orchestra.runs.wait(OWNER, document["run_id"], PATIENCE_SECONDS)
    error: Any = document["error"]
    assert (error["type"], error["outcome"], error["step"]) == ("InvalidRequest", "not_done", "post")
    assert "scan.pdf" in error["message"]
    assert str(orchestra.workspace.root) not in f"{error['message']} {error['remedy']}"
    assert service.seen["/post"] == 0


@pytest.mark.parametrize(
    "place",
    [
        "../../../etc/passwd",
        "/etc/passwd",
        "",
        "20260101T000000Z-abcdefgh.files/../../config.yaml",
        f"20260101T000000Z-abcdefgh/{'0' * 64}",
        f"../20260101T000000Z-abcdefgh.files/{'0' * 64}",
        f"20260101T000000Z-abcdefgh.files/{'0' * 64}\n",
    ],
)
def test_no_other_name_opens_a_file(run: Run, service: Service, place: str) -> None:
    forged = {"$file": place, "name": "x", "bytes": 1, "media_type": "text/plain"}
    given = {"type": "object", "properties": {"forged": {"type": "object"}}}
    document = run([post(service, "{{ [inputs.forged] }}")], {"forged": forged}, inputs=given)
    assert document["error"]["type"] == "InvalidRequest"
    assert service.seen["/post"] == 0


TAKES = {"type": "object", "properties": {"given": {}}}


def test_a_run_takes_a_file_of_another_run_that_its_starter_may_see(
    run: Run, orchestra: Orchestra, service: Service, scan: str
) -> None:
    file = run([fetch(scan)], outputs={"file": ONE})["outputs"]["file"]
    document = run([post(service, "{{ [inputs.given] }}")], {"given": file}, inputs=TAKES)
    assert document["status"] == "succeeded", document["error"]
    again = orchestra.runs.rerun(OWNER, document["run_id"], receipts="force")
    assert orchestra.runs.wait(OWNER, again, PATIENCE_SECONDS)["status"] == "succeeded"
    assert service.bodies[-2:] == [[SENT], [SENT]]


@pytest.mark.parametrize("place", ["{run}.files/" + "0" * 64, "20260101T000000Z-abcdefgh.files/{digest}"])
def test_a_run_takes_no_file_that_no_run_shows(
    run: Run, root: Path, orchestra: Orchestra, scan: str, place: str
) -> None:
    file = run([fetch(scan)], outputs={"file": ONE})["outputs"]["file"]
    owner, _, digest = file["$file"].partition(".files/")
    forged = {**file, "$file": place.format(run=owner, digest=digest)}
    reading = {"id": "b", "uses": "flow.set", "with": {"values": {"b": "{{ inputs.given }}"}}}
    write_workflow(root, "take", [set_step("a"), reading], inputs=TAKES)
    earlier = orchestra.runs.start(OWNER, "take", {"given": 1})
    orchestra.runs.wait(OWNER, earlier, PATIENCE_SECONDS)
    given = {"given": [{"deep": forged}]}
    starts: list[Callable[[], Any]] = [
        lambda: orchestra.runs.start(OWNER, "take", given),
        lambda: orchestra.runs.start(OWNER, "take", {"given": 1}, pins={"a": given}),
        lambda: orchestra.runs.start_all(OWNER, "take", [{"given": 1}, given]),
        lambda: orchestra.runs.rerun(OWNER, earlier, inputs=given),
        lambda: orchestra.plans.make(OWNER, "take", given),
        lambda: orchestra.debugging.start(OWNER, "take", given),
        lambda: orchestra.step_tries.start(OWNER, "take", "b", {"inputs": given}),
    ]
    for start in starts:
        with pytest.raises(InvalidInput, match="names a file of a run") as refused:
            start()
        assert (str(root) in refused.value.message, bool(refused.value.remedy)) == (False, True)
    assert len(orchestra.runs.list(OWNER).rows) == 2


def test_an_answer_of_a_service_names_no_file(run: Run, service: Service, scan: str) -> None:
    file = run([fetch(scan)], outputs={"file": ONE})["outputs"]["file"]
    service.texts["/forged"] = json.dumps({"files": [file]})
    document = run([get_step("ask", service.url("/forged")), post(service, "{{ steps.ask.output.json.files }}")])
    assert service.seen["/post"] == 0
    assert document["error"]["type"] == "InvalidRequest"
    assert document["steps"][0]["output"]["json"] == {"files": [{**file, "$file": f"outside:{file['$file']}"}]}


def test_code_hands_on_the_files_that_it_is_given_and_makes_up_none(run: Run, service: Service, scan: str) -> None:
    file = run([fetch(scan)], outputs={"file": ONE})["outputs"]["file"]
    text = "import json\noutput = [json.loads(inputs['text']), inputs['kept']]"
    given = {"text": "{{ inputs.given }}", "kept": ONE}
    code = {"id": "ask", "uses": "code.run", "with": {"code": text, "inputs": given}}
    document = run([fetch(scan), code], {"given": json.dumps(file)}, inputs=TAKES)
    made_up, kept = document["steps"][1]["output"]["output"]
    assert made_up == {**file, "$file": f"outside:{file['$file']}"}
    assert kept == document["steps"][0]["output"]["file"]


def test_a_file_has_one_spelling_only(run: Run, service: Service, scan: str) -> None:
    file = run([fetch(scan)], outputs={"file": ONE})["outputs"]["file"]
    other = {"place": file.pop("$file"), **file}
    document = run([post(service, "{{ [inputs.given] }}")], {"given": other}, inputs=TAKES)
    assert (document["status"], service.seen["/post"]) == ("failed", 0)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        pytest.param("{{ steps.fetch.output }}", "takes a file of the run, and this is another object", id="object"),
        pytest.param("{{ steps.fetch.output.file.name }}", "takes a file of the run, and this is text", id="text"),
        pytest.param("{{ steps.fetch.output.file.nam }}", "no field 'nam'", id="name"),
        pytest.param("{{ steps.fetch.output.file.bytes + 'x' }}", "'+'", id="size"),
    ],
)
@pytest.mark.parametrize("field", ["files", "cover"])
def test_what_is_no_file_is_found_before_anything_runs(
    root: Path, orchestra: Orchestra, scan: str, service: Service, value: str, said: str, field: str
) -> None:
    given = {"url": service.url("/post"), field: [value] if field == "files" else value}
    write_workflow(root, "work", [fetch(scan), {"id": "post", "uses": "parcel.post", "with": given}])
    text = (root / "workflows" / "work.json").read_text()
    problems = orchestra.workflows.check(OWNER, "work", text)
    assert any(said in problem.message for problem in problems), problems


def test_a_file_of_another_run_is_the_same_file() -> None:
    def arguments(owner: str, name: str = "a") -> dict[str, Any]:
        file = {"$file": f"{owner}.files/{'0' * 64}", "name": name, "bytes": 1, "media_type": "text/plain"}
        return {"files": [file], "text": '"$file":"20260101T000000Z-aaaaaaaa.files/'}

    one = arguments("20260101T000000Z-abcdefgh")
    assert arguments_hash(one) == arguments_hash(arguments("20270101T000000Z-hgfedcba"))
    assert arguments_hash(one) != arguments_hash(arguments("20270101T000000Z-hgfedcba", "b"))
    assert arguments_hash(one) != arguments_hash({**one, "text": '"$file":"'})


def test_the_receipt_of_a_write_with_files_is_the_same_in_the_next_run(run: Run, service: Service, scan: str) -> None:
    for _ in range(2):
        document = run([fetch(scan), post(service, once="for ever")])
    effect = document["steps"][1]["effect"]
    assert effect["reused"]
    assert "note" not in effect


def test_a_file_is_on_disk_before_the_event_that_names_it(
    run: Run, orchestra: Orchestra, scan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain_emit, named = Recording.emit, []

    def emit(recording: Recording, kind: Any, **details: Any) -> None:
        if kind is StepFinished and details["status"] == "succeeded" and "file" in (details["output"] or {}):
            named.append(details["output"]["file"])
            assert list(orchestra.workspace.logs.glob(f"*/{named[-1]['$file']}"))
        plain_emit(recording, kind, **details)

    monkeypatch.setattr(Recording, "emit", emit)
    assert run([fetch(scan)])["status"] == "succeeded"
    assert len(named) == 1


_KILLED = """
import os, signal, sys
from pathlib import Path
import engine.steps
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.runner.effects import fault_points

def kill(point):
    if point == "before effect":
        os.kill(os.getpid(), signal.SIGKILL)

fault_points.hook = kill
engine.steps.__path__.append(sys.argv[2])
orchestra = Orchestra.open(Path(sys.argv[1]))
owner = Principal("tester", "owner", confirmed=True)
orchestra.runs.wait(owner, orchestra.runs.start(owner, "work", {}), 60)
"""


@pytest.mark.slow
def test_a_run_that_was_killed_has_its_files(root: Path, service: Service, scan: str) -> None:
    each = {"id": "each", "foreach": "{{ [1, 2] }}", "steps": [fetch(scan)]}
    write_workflow(root, "work", [each, post(service, "{{ steps.each.output.map(one, one.fetch.file) }}")])
    command = [sys.executable, "-c", _KILLED, str(root), str(Path(__file__).parent / "step_types")]
    assert subprocess.run(command, timeout=120, check=False).returncode == -9
    assert (service.seen["/scan"], service.seen["/post"]) == (2, 0)
    orchestra = Orchestra.open(root)
    try:
        (row,) = orchestra.runs.list(OWNER).rows
        orchestra.runs.resume(OWNER, row.run_id)
        document = orchestra.runs.wait(OWNER, row.run_id, 60)
    finally:
        orchestra.close()
    assert document["status"] == "succeeded", document["error"]
    assert service.seen["/scan"] == 2
    assert service.bodies[-1] == [SENT] * 2
