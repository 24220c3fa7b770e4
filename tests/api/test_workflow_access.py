"""Every address for somebody who may not see a workflow: the answers are those for a name that does not exist."""

from __future__ import annotations

import asyncio
import inspect
import io
import json
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from typing import Any

import pytest
from fastapi import FastAPI
from mcp.shared.exceptions import MCPError
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from api.mcp.tools import WorkflowTools
from api.server import create_api
from engine.assembly.gate_rules import GATED
from engine.base.errors import NotAllowed
from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.api.bodies import bodies_of, query_of
from tests.api.conftest import LOCAL, PASSWORD, application, caller, opened
from tests.api.test_roles import BODIES, QUERIES, needed, record_operations, routes
from tests.api.test_server import NAMES, every_socket

NAME, UNKNOWN = "vanta-name", "qwert-name"
UNKNOWN_RUN, UNKNOWN_QUESTION = "20261120T120000Z-bbbbbbbb", "bbbbbbbb"
CANARIES = tuple(
    f"vanta{one}"
    for one in (
        *("title", "words", "step", "prompt", "input", "output", "error", "question"),
        *("table", "trigger", "label", "branch", "draft", "state", "file"),
    )
)
GRACE, ADA = Principal("grace", "editor"), Principal("ada", "editor")
WORKFLOW: dict[str, Any] = {
    "schema_version": 1,
    "title": "vantatitle",
    "description": "vantawords",
    "expose": True,
    "access": {"see": ["ada"], "run": [], "edit": ["role:owner"], "approve": []},
    "inputs": {
        "properties": {"text": {"type": "string", "default": ""}, "fails": {"type": "boolean", "default": False}}
    },
    "triggers": [{"id": "vantatrigger", "uses": "schedule", "with": {"cron": "0 8 * * *"}}],
    "steps": [
        {"id": "vantastep", "uses": "flow.set", "with": {"values": {"made": "vantaoutput {{ inputs.text }}"}}},
        {"id": "fail", "uses": "flow.fail", "if": "{{ inputs.fails }}", "with": {"message": "vantaerror"}},
        {"id": "ask", "uses": "flow.approve", "with": {"message": "vantaquestion"}},
    ],
    "outputs": {"vantastate": "{{ steps.vantastep.output.made }}"},
}
OF_WORKFLOWS = ("/api/workflows/{", "/flows/{", "/api/triggers/{", "/api/forms/{", "/api/runs/{", "/api/plans/{")
MORE_BODIES: dict[str, Any] = {
    "/api/workflows/{name}": {"text": json.dumps({"schema_version": 1, "steps": []}), "etag": "x"},
    "/api/workflows/{name}/branches": {"branch": "another"},
    "/api/workflows/{name}/branches/{branch}/check": {},
    "/api/workflows/{name}/branches/{branch}/merge": {},
    "/api/workflows/{name}/copy": {"new": "a-copy"},
    "/api/workflows/{name}/labels/{label}": {},
    "/api/workflows/{name}/labels/{label}/rename": {"new": "another"},
    "/api/workflows/{name}/positions": {"positions": {"vantastep": [1, 1]}},
    "/api/workflows/{name}/looks": {"looks": {"vantastep": {"color": None}}},
    "/api/workflows/{name}/steps/{step}/try": {"values": {}},
    "/api/workflows/{name}/versions/{version}/restore": {"etag": "x"},
}
OF_NEW = {("/api/workflows/{name}/validate", "POST"), ("/api/workflows/{name}/names", "POST")}
"""Beside those of the co-pilot: for these, a name that does not exist is that of a new workflow."""
SUBJECTS = ("{workflow}", "{run_id}", "{plan_id}", "{approval_id}", "{good}")


@pytest.fixture(scope="module")
def called() -> Iterator[list[str]]:
    """The operations that ada has begun."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield record_operations(monkeypatch, "ada")


@pytest.fixture(scope="module")
def orchestra(tmp_path_factory: pytest.TempPathFactory, called: list[str]) -> Iterator[Orchestra]:
    with opened(tmp_path_factory.mktemp("access") / "workspace") as orchestra:
        yield orchestra


@pytest.fixture(scope="module")
def client(orchestra: Orchestra, api: FastAPI) -> Iterator[TestClient]:
    with application(orchestra, api) as app, caller(app) as client:
        yield client


@pytest.fixture(scope="module")
def hidden(orchestra: Orchestra) -> dict[str, str]:
    """A workflow that ada may only see, with two runs, a question, a version, a branch and drafts: (kind, id)."""
    for user in ("grace", "ada"):
        orchestra.users.add(LOCAL, user, user.title(), "editor", PASSWORD)
    orchestra.environments.init(LOCAL)
    orchestra.workflows.save(LOCAL, NAME, json.dumps({**WORKFLOW, "access": {}}), None)
    orchestra.drafts.keep(GRACE, "workflow", NAME, json.dumps({**WORKFLOW, "title": "vantadraft"}))
    orchestra.versions.label(LOCAL, NAME, "vantalabel")
    orchestra.branches.create(LOCAL, NAME, "vantabranch")
    file = orchestra.workflows.get(LOCAL, NAME)
    orchestra.workflows.save(LOCAL, NAME, json.dumps({**json.loads(file.text), **WORKFLOW}), file.etag)
    failed = orchestra.runs.start(LOCAL, NAME, {"text": "vantainput", "fails": True})
    asking = orchestra.runs.start(LOCAL, NAME, {"text": "vantainput"})
    assert orchestra.runs.wait(LOCAL, failed, 60)["status"] == "failed"
    assert orchestra.runs.wait(LOCAL, asking, 60)["status"] == "waiting"
    plan = orchestra.plans.make(LOCAL, NAME, {"text": "vantainput"})
    orchestra.runs.wait(LOCAL, plan, 60)
    [question] = orchestra.approvals.list(LOCAL)
    return {"failed": failed, "asking": asking, "plan": plan, "question": question.id}


def asked(client: TestClient, orchestra: Orchestra, user: str, method: str, path: str, names: dict[str, str]) -> Any:
    headers = (
        {"Authorization": f"Bearer {orchestra.users.token(user, PASSWORD)}"} if user not in _TOKENS else _TOKENS[user]
    )
    _TOKENS[user] = headers
    bodies = {**BODIES, **MORE_BODIES}
    body = bodies[path] if path in bodies else bodies_of(_api(), method, path, "x")[0]
    body = json.loads(json.dumps(body).replace("inbox-triage", names["name"]))
    query = QUERIES[path] if path in QUERIES else query_of(_api(), method, path, "x")
    return client.request(method, path.format(**{**NAMES, **names}), json=body, params=query, headers=headers)


@cache
def _api() -> FastAPI:
    """What the API says of itself."""
    return create_api(lambda: pytest.fail("no workspace is connected"))


_TOKENS: dict[str, dict[str, str]] = {}


def named(hidden: dict[str, str]) -> dict[str, str]:
    """What stands in addresses for the hidden workflow and what is of it."""
    run = dict.fromkeys(("run_id", "good", "bad"), hidden["failed"])
    return {"name": NAME, "workflow": NAME, **run, "plan_id": hidden["plan"], "approval_id": hidden["question"]}


def unknown() -> dict[str, str]:
    run = dict.fromkeys(("run_id", "good", "bad", "plan_id"), UNKNOWN_RUN)
    return {"name": UNKNOWN, "workflow": UNKNOWN, **run, "approval_id": UNKNOWN_QUESTION}


def told(answer: Any, names: dict[str, str]) -> tuple[int, str]:
    text = answer.text
    for name, one in sorted(names.items(), key=lambda pair: -len(pair[1])):
        text = text.replace(
            one, f"<{'name' if name == 'workflow' else 'run_id' if name in ('good', 'bad', 'plan_id') else name}>"
        )
    return answer.status_code, text


ROUTES = sorted(routes())
OF_ONE = [one for one in ROUTES if one[0].startswith(OF_WORKFLOWS) or any(s in one[0] for s in SUBJECTS)]


@pytest.mark.parametrize(("path", "method"), OF_ONE)
def test_what_is_hidden_is_as_what_does_not_exist(
    client: TestClient, orchestra: Orchestra, hidden: dict[str, str], path: str, method: str
) -> None:
    there = asked(client, orchestra, "grace", method, path, named(hidden))
    if (path.startswith("/api/copilot/") and "{workflow}" in path) or (path, method) in OF_NEW:
        assert there.status_code == 409
        assert there.json()["error"]["message"] == f"The name {NAME!r} is taken by another workflow."
        return
    not_there = asked(client, orchestra, "grace", method, path, unknown())
    assert told(there, named(hidden)) == told(not_there, unknown())
    assert [one for one in CANARIES if one in there.text] == []


@pytest.mark.parametrize("path", sorted({path for path, method in ROUTES if method == "GET"}))
def test_no_list_tells_of_it(client: TestClient, orchestra: Orchestra, hidden: dict[str, str], path: str) -> None:
    answer = asked(client, orchestra, "grace", "GET", path, {"name": "inbox-triage"})
    found = [one for one in (*CANARIES, NAME, *hidden.values()) if one in answer.text]
    assert found == [], answer.text


@pytest.mark.parametrize(
    ("path", "method"), [one for one in OF_ONE if not one[0].endswith(("/copy", "/wizard/{workflow}"))]
)
def test_who_may_only_see_it_is_refused_with_the_remedy(
    client: TestClient,
    orchestra: Orchestra,
    hidden: dict[str, str],
    called: list[str],
    path: str,
    method: str,
) -> None:
    """A copy is as closed as the workflow, so it may be made; the wizard makes a new workflow of a free name."""
    called.clear()
    answer = asked(client, orchestra, "ada", method, path, named(hidden))
    if called and answer.status_code != 403:
        assert needed(path, called) == "view", answer.text
    else:
        assert (answer.status_code, answer.json()["error"]["type"]) == (403, "NotAllowed"), answer.text
        assert answer.json()["error"]["remedy"].startswith("An owner can add ada, or a role, to '")


def lists(orchestra: Orchestra) -> Iterator[tuple[str, str]]:
    """Yield what the façade returns to grace for every method that needs nothing but a person."""
    rules: Mapping[str, Any] = GATED
    for area in rules.keys() - {"copilot"}:
        for name in [one for one, acts in rules[area].items() if isinstance(acts, Mapping)]:
            method: Any = getattr(getattr(orchestra, area), name, None)
            wanted = [] if method is None else list(inspect.signature(method).parameters.values())
            if wanted and all(one.default is not one.empty or one.kind == one.VAR_KEYWORD for one in wanted[1:]):
                if name in CHANGES:
                    continue
                with suppress(NotAllowed):
                    found = method(GRACE)
                    yield f"{area}.{name}", f"{found!r} {getattr(found, '__dict__', '')}"


CHANGES = {
    "poll",
    "resume",
    "resume_all",
    "reindex",
    "prune",
    "init",
    "accept",
    "rekey",
    "local_models",
    "apply",
    "plan",
    "write",
    "disagree",
}


def test_no_list_of_the_facade_tells_of_it(orchestra: Orchestra, hidden: dict[str, str]) -> None:
    seen = 0
    for where, found in lists(orchestra):
        seen += 1
        assert [one for one in (*CANARIES, NAME, *hidden.values()) if one in found] == [], where
    assert seen > 30


def test_no_figure_tells_of_it(orchestra: Orchestra) -> None:
    name = f"{NAME}-of-figures"
    orchestra.workflows.save(LOCAL, name, json.dumps({**WORKFLOW, "title": "Figures"}), None)
    orchestra.triggers.turn_on(LOCAL, name, "vantatrigger")
    time.sleep(1.1)  # figures are read once a second
    try:
        found = [orchestra.metrics.page(one).content for one in (LOCAL, GRACE, LOCAL)]
    finally:
        orchestra.workflows.delete(LOCAL, name)
    assert [f'workflow="{name}"'.encode() in one for one in found] == [True, False, True]


@pytest.mark.parametrize("user", ["grace", "ada"])
def test_a_run_by_name_is_refused(client: TestClient, orchestra: Orchestra, hidden: dict[str, str], user: str) -> None:
    def started(name: str) -> Any:
        headers = {"Authorization": f"Bearer {orchestra.users.token(user, PASSWORD)}"}
        return client.post("/workflows/execute", json={"workflow": name}, headers=headers)

    if user == "ada":
        assert started(NAME).status_code == 403
    else:
        assert told(started(NAME), named(hidden)) == told(started(UNKNOWN), unknown())


@pytest.mark.parametrize("path", [one for one in every_socket() if "{run_id}" in one or "{name}" in one])
def test_a_socket_tells_nothing_of_it(
    client: TestClient, orchestra: Orchestra, hidden: dict[str, str], path: str
) -> None:
    def heard(names: dict[str, str]) -> str:
        headers = {"Authorization": f"Bearer {orchestra.users.token('grace', PASSWORD)}"}
        address = f"ws://127.0.0.1:8501{path}".format(**{**NAMES, **names})
        try:
            with client.websocket_connect(address, headers=headers) as socket:
                return str(socket.receive())
        except (WebSocketDenialResponse, WebSocketDisconnect) as error:
            return repr(error)

    there, not_there = heard(named(hidden)), heard(unknown())
    assert there.replace(NAME, "").replace(hidden["failed"], "") == not_there.replace(UNKNOWN, "").replace(
        UNKNOWN_RUN, ""
    )


def test_programs_find_no_tool(orchestra: Orchestra, hidden: dict[str, str]) -> None:
    def called(p: Principal, name: str) -> str:
        with pytest.raises(MCPError) as caught:
            asyncio.run(WorkflowTools(orchestra, p).call(name, {}))
        return str(caught.value)

    assert NAME in [one.name for one in WorkflowTools(orchestra, LOCAL).list()]
    assert NAME not in [one.name for one in WorkflowTools(orchestra, GRACE).list()]
    assert called(GRACE, NAME).replace(NAME, "") == called(GRACE, UNKNOWN).replace(UNKNOWN, "")


def test_an_owner_still_may_do_everything(orchestra: Orchestra, hidden: dict[str, str]) -> None:
    for owner in (LOCAL, Principal("zoe", "owner")):
        assert NAME in orchestra.workflows.names(owner)
        assert {row.run_id for row in orchestra.runs.list(owner, workflow=NAME).rows} >= {hidden["asking"]}
        assert orchestra.approvals.may_answer(owner, orchestra.approvals.get(owner, hidden["question"]))


@pytest.mark.parametrize("path", [f"workflows/{NAME}.json", f"workflows/{NAME}.layout.json", "workflows"])
def test_no_step_reads_its_file(orchestra: Orchestra, hidden: dict[str, str], path: str) -> None:
    uses, field = ("file.text", "file") if "." in path else ("file.list", "folder")
    spying = {"schema_version": 1, "steps": [{"id": "spy", "uses": uses, "with": {field: path}}]}
    name = f"spy-{path.count('.')}"
    orchestra.workflows.save(GRACE, name, json.dumps(spying), None)
    try:
        run = orchestra.runs.wait(GRACE, orchestra.runs.start(GRACE, name, {}), 60)
    finally:
        orchestra.workflows.delete(LOCAL, name)
    assert run["status"] == "failed", run
    assert "belongs to AI-Orchestra itself" in json.dumps(run)


INNER: dict[str, Any] = {
    "schema_version": 1,
    "title": "kodantitle",
    "access": {"see": ["ada"]},
    "steps": [{"id": "kodanstep", "uses": "flow.set", "with": {"values": {"made": "kodanbefore"}}}],
}
OUTER = {
    "schema_version": 1,
    "steps": [
        {"id": "call", "uses": "workflow.run", "with": {"workflow": "inner-part"}},
        {"id": "fail", "uses": "flow.fail", "with": {"message": "Stop."}},
    ],
}


@pytest.fixture(scope="module")
def calling(orchestra: Orchestra, hidden: dict[str, str]) -> dict[str, str]:
    """A workflow that calls one hidden from grace, with runs before and after the latter was changed, and a plan.

    The hidden one has a problem by now.
    """

    def failed() -> str:
        run_id = orchestra.runs.start(LOCAL, "outer-part", {})
        assert orchestra.runs.wait(LOCAL, run_id, 60)["status"] == "failed"
        return run_id

    def written(values: Any) -> None:
        document = json.loads(orchestra.workflows.get(LOCAL, "inner-part").text)
        document["steps"][0]["with"]["values"] = values
        (orchestra.workspace.root / "workflows" / "inner-part.json").write_text(json.dumps(document))

    orchestra.workflows.save(LOCAL, "inner-part", json.dumps(INNER), None)
    orchestra.workflows.save(LOCAL, "outer-part", json.dumps(OUTER), None)
    good = failed()
    plan = orchestra.plans.make(LOCAL, "outer-part", {})
    orchestra.runs.wait(LOCAL, plan, 60)
    written({"made": "kodanafter"})
    bad = failed()
    written("kodanproblem")
    return {"name": "outer-part", "workflow": "outer-part", "run_id": bad, "good": good, "bad": bad, "plan_id": plan}


SAFE = {
    ("/api/runs/{run_id}/resume", "POST"),
    ("/workflows/execute", "POST"),
    ("/api/workflows/{name}/validate", "POST"),
}


@pytest.mark.parametrize(("path", "method"), [one for one in ROUTES if one[1] == "GET" or one in SAFE])
def test_no_answer_tells_what_is_in_a_hidden_workflow_that_a_visible_one_calls(
    client: TestClient, orchestra: Orchestra, calling: dict[str, str], path: str, method: str
) -> None:
    """The output of the call is for whoever sees the caller, so only what else the workflow has is looked for."""
    answer = asked(client, orchestra, "grace", method, path, calling)
    told = answer.content if not answer.content.startswith(b"PK") else b"".join(unzipped(answer.content))
    found = [one for one in ("kodantitle", "kodanstep", "kodanproblem") if one.encode() in told]
    assert found == [], answer.text


@pytest.mark.parametrize("user", ["grace", "ada"])
def test_a_refused_run_names_the_hidden_workflow_and_who_sees_it_also_reads_its_problem(
    client: TestClient, orchestra: Orchestra, calling: dict[str, str], user: str
) -> None:
    headers = {"Authorization": f"Bearer {orchestra.users.token(user, PASSWORD)}"}
    for answer in (
        client.post("/workflows/execute", json={"workflow": "outer-part"}, headers=headers),
        client.post(f"/api/runs/{calling['good']}/resume", json={"newest": True}, headers=headers),
        client.get("/api/workflows/outer-part", headers=headers),
    ):
        assert "The workflow 'inner-part' has 1 problem" in answer.text
        assert ("kodanproblem" in answer.text) is (user == "ada")


def unzipped(content: bytes) -> Iterator[bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        yield from map(archive.read, archive.namelist())
