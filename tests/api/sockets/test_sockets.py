"""The sockets of runs and drafts: who may open one, what it sends, when it ends, and what a slow one costs."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient, WebSocketDenialResponse, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from api.sockets import serving
from api.sockets.hub import MOST_OF_ONE
from api.sockets.messages import OF_RUN, OF_WORKFLOW, schema
from engine.documents.json_splice import Splice, spliced
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.people.sessions import Session
from engine.record.states.run_state import RunState, changed, state_of
from tests.api.conftest import LOCAL, PASSWORD
from tests.api.conftest import opened as opened_workspace
from tests.engine.conftest import set_step, write_workflow
from tests.patience import PATIENCE_SECONDS

HERE = "http://127.0.0.1:8501"
PAUSE = {"id": "pause", "uses": "flow.wait", "with": {"seconds": 0.3}}
ASK = {"id": "ask", "uses": "flow.approve", "with": {"message": "Go on?"}}
TEXT = json.dumps({"schema_version": 1, "title": "Work", "steps": [set_step("a"), set_step("b")]}, indent=2) + "\n"
SET_TITLE = {"op": "set", "field": "title", "value": "Other"}
SET_NOTE = {"op": "notes", "step": "b", "text": "Here."}
_numbers = itertools.count()


def opened(client: TestClient, path: str, origin: str | None = HERE, **headers: str) -> AbstractContextManager[Any]:
    """A socket, opened by a page of this origin, or by a program."""
    said = headers if origin is None else {"Origin": origin, **headers}
    return client.websocket_connect(f"ws://127.0.0.1:8501/api/ws/{path}", headers=said)


def refusal(client: TestClient, path: str, origin: str | None = HERE, **headers: str) -> tuple[int, str]:
    """How a socket is refused: the status, and the type of the error."""
    with pytest.raises(WebSocketDenialResponse) as refused, opened(client, path, origin, **headers):
        pass
    return refused.value.status_code, refused.value.json()["error"]["type"]


def message(socket: WebSocketTestSession, schema: Any) -> dict[str, Any]:
    """The next message; it is what its schema says."""
    text = socket.receive_text()
    schema.validate_json(text)
    return dict(json.loads(text))


def close_code(socket: WebSocketTestSession) -> int:
    """The code with which a socket is closed, whatever else it still sends."""
    while True:
        try:
            socket.receive_text()
        except WebSocketDisconnect as closed:
            return closed.code


@pytest.fixture(scope="module")
def orchestra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orchestra]:
    """One workspace; each test has a workflow and people of its own."""
    with opened_workspace(tmp_path_factory.mktemp("api") / "workspace") as orchestra:
        yield orchestra


@pytest.fixture
def name(orchestra: Orchestra) -> str:
    """A workflow that nobody has changed."""
    name = f"work-{next(_numbers)}"
    (orchestra.workspace.root / "workflows" / f"{name}.json").write_text(TEXT)
    return name


@pytest.fixture
def ada(orchestra: Orchestra) -> Principal:
    """An editor who has just come."""
    user = orchestra.users.add(LOCAL, f"ada-{next(_numbers)}", "Ada", "editor", PASSWORD)
    return Principal(user.id, "editor")


def bearer(orchestra: Orchestra, who: Principal) -> dict[str, str]:
    """What a program of a person sends."""
    return {"Authorization": f"Bearer {orchestra.users.token(who.id, PASSWORD)}"}


def file_of(orchestra: Orchestra, name: str) -> Path:
    return orchestra.workspace.root / "workflows" / f"{name}.json"


@pytest.fixture
def waiting(orchestra: Orchestra) -> str:
    """A run that waits for an answer."""
    write_workflow(orchestra.workspace.root, "asking", [ASK])
    run_id = orchestra.runs.start(LOCAL, "asking", {})
    assert orchestra.runs.wait(LOCAL, run_id, PATIENCE_SECONDS)["status"] == "waiting"
    return run_id


# --- who may open one


@pytest.mark.parametrize("path", ["runs/20260501T080000Z-aaaaaaaa", "workflows/inbox-triage"])
def test_a_socket_is_for_those_who_are_signed_in_here(
    browser: TestClient, orchestra: Orchestra, ada: Principal, path: str
) -> None:
    is_there = path.startswith("workflows")
    if not is_there:
        assert refusal(browser, path) == refusal(browser, path, None, **bearer(orchestra, ada)) == (404, "UnknownName")
    for origin in ("http://evil.example", "http://127.0.0.1:8502", None):
        assert refusal(browser, path, origin) == (403, "NotAllowed")
    assert refusal(browser, path, Authorization="Bearer x") == (401, "Unauthorized")
    browser.cookies.clear()
    assert refusal(browser, path) == (401, "Unauthorized")
    if is_there:
        with opened(browser, path, None, **bearer(orchestra, ada)) as socket:
            assert message(socket, OF_WORKFLOW)["type"] == "snapshot"


def test_one_person_has_only_so_many(client: TestClient, orchestra: Orchestra, ada: Principal, name: str) -> None:
    token = bearer(orchestra, ada)
    with ExitStack() as stack:
        for _ in range(MOST_OF_ONE):
            stack.enter_context(opened(client, f"workflows/{name}", None, **token))
        assert refusal(client, f"workflows/{name}", None, **token) == (429, "TooManyRequests")
    with opened(client, f"workflows/{name}", None, **token) as socket:
        assert message(socket, OF_WORKFLOW)["type"] == "snapshot"


def _signs_out(orchestra: Orchestra, who: Principal) -> None:
    orchestra.users.sign_out(LOCAL, who.id)


def _gets_another_role(orchestra: Orchestra, who: Principal) -> None:
    orchestra.users.set_role(LOCAL, who.id, "viewer")


@pytest.mark.parametrize(("do", "code"), [(_signs_out, 4401), (_gets_another_role, 4403)])
def test_a_socket_ends_when_its_person_signs_out_or_gets_another_role(
    client: TestClient, orchestra: Orchestra, ada: Principal, waiting: str, do: Any, code: int
) -> None:
    session = orchestra.users.redeem(orchestra.users.login_link(LOCAL, ada.id))
    assert session is not None
    client.cookies.set("orchestra_session_8501", session.id)
    with opened(client, f"runs/{waiting}") as socket:
        assert message(socket, OF_RUN)["run"]["status"] == "waiting"
        do(orchestra, ada)
        assert close_code(socket) == code


def test_a_socket_takes_no_messages(browser: TestClient, waiting: str) -> None:
    with opened(browser, f"runs/{waiting}") as socket:
        socket.send_text("hello")
        assert close_code(socket) == 1008


# --- runs


def test_a_run_is_followed_to_its_end(browser: TestClient, orchestra: Orchestra) -> None:
    loop = {"id": "each", "foreach": "{{ [1, 2, 3] }}", "parallel": 1, "steps": [PAUSE]}
    write_workflow(orchestra.workspace.root, "slow", [set_step("begin"), loop])
    run_id = orchestra.runs.start(LOCAL, "slow", {})
    seen: list[str] = []
    with opened(browser, f"runs/{run_id}") as socket:
        state: RunState = message(socket, OF_RUN)["run"]
        while (news := message(socket, OF_RUN))["type"] == "changed":
            state = changed(state, news["change"])
            seen.append(json.dumps(state["steps"]["each"]["counts"] if "each" in state["steps"] else None))
        assert news == {"type": "end", "status": "succeeded"}
        assert close_code(socket) == 1000
    assert state == state_of(orchestra.runs.get(LOCAL, run_id))
    assert len(set(seen)) > 2
    with opened(browser, f"runs/{run_id}") as socket:  # over: one snapshot
        assert message(socket, OF_RUN) == {"type": "snapshot", "run": state}
        assert message(socket, OF_RUN)["type"] == "end"


class Reader:
    """A client that reads nothing more after its first message, until it may."""

    def __init__(self, path: str, cookie: str) -> None:
        self.scope = {
            "type": "websocket", "path": path, "raw_path": path.encode(), "query_string": b"", "scheme": "ws",
            "headers": [(b"host", b"127.0.0.1:8501"), (b"origin", HERE.encode()),
                        (b"cookie", f"orchestra_session_8501={cookie}".encode())],
            "subprotocols": [], "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8501), "extensions": {},
        }  # fmt: skip
        self.got: list[dict[str, Any]] = []
        self.may_read = asyncio.Event()
        self._connects = True

    async def receive(self) -> dict[str, Any]:
        if self._connects:
            self._connects = False
            return {"type": "websocket.connect"}
        await asyncio.Event().wait()
        raise AssertionError

    async def send(self, message: Any) -> None:
        if message["type"] == "websocket.send":
            if self.got:
                await self.may_read.wait()
            self.got.append(json.loads(message["text"]))


@pytest.fixture
def slow_run(orchestra: Orchestra) -> str:
    """A run of many steps, of which each takes a while."""
    write_workflow(orchestra.workspace.root, "slow", [{**PAUSE, "id": f"pause_{number}"} for number in range(6)])
    return orchestra.runs.start(LOCAL, "slow", {})


def served(app: Starlette, reader: Reader) -> asyncio.Task[None]:
    return asyncio.ensure_future(app(reader.scope, reader.receive, reader.send))


def state_of_reader(reader: Reader) -> RunState:
    """What a reader knows of the run."""
    state: RunState = reader.got[0]["run"]
    for news in reader.got[1:-1]:
        state = changed(state, news["change"])
    return state


def test_a_slow_reader_holds_up_nobody_and_then_gets_the_latest_state(
    app: Starlette, session: Session, slow_run: str
) -> None:
    async def follow() -> tuple[Reader, Reader]:
        quick, slow = (Reader(f"/api/ws/runs/{slow_run}", session.id) for _ in range(2))
        quick.may_read.set()
        tasks = [served(app, one) for one in (quick, slow)]
        await asyncio.wait_for(tasks[0], PATIENCE_SECONDS)
        assert len(slow.got) == 1
        slow.may_read.set()
        await asyncio.wait_for(tasks[1], PATIENCE_SECONDS)
        return quick, slow

    quick, slow = asyncio.run(follow())
    assert quick.got[-1] == slow.got[-1] == {"type": "end", "status": "succeeded"}
    assert state_of_reader(quick) == state_of_reader(slow)
    assert len(slow.got) <= 4 < len(quick.got)
    assert sum(news["skipped"] for news in slow.got[1:-1]) > 0


def test_a_reader_that_takes_nothing_is_let_go(
    app: Starlette, session: Session, slow_run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "_UNREAD_SECONDS", 0.2)

    async def follow() -> Reader:
        dead = Reader(f"/api/ws/runs/{slow_run}", session.id)
        await asyncio.wait_for(served(app, dead), PATIENCE_SECONDS)
        return dead

    assert [news["type"] for news in asyncio.run(follow()).got] == ["snapshot"]


# --- drafts


def next_but_problems(socket: WebSocketTestSession) -> dict[str, Any]:
    while (news := message(socket, OF_WORKFLOW))["type"] == "problems":
        pass
    return news


def test_what_one_window_does_arrives_at_the_other(
    client: TestClient, orchestra: Orchestra, ada: Principal, name: str
) -> None:
    token, editing = bearer(orchestra, ada), orchestra.editing
    first = editing.canvas(ada, name)
    with opened(client, f"workflows/{name}?rev={first.rev}", None, **token) as socket:
        snapshot = message(socket, OF_WORKFLOW)
        assert (snapshot["draft"]["rev"], snapshot["splices"]) == (first.rev, [])
        text, rev = first.text, first.rev
        for op in (SET_TITLE, SET_NOTE):
            edited = editing.apply(ada, name, rev, [op])
            news = next_but_problems(socket)
            assert (news["type"], news["base"], news["draft"]["rev"]) == ("rev", rev, edited.rev)
            text, rev = spliced(text, [Splice(**one) for one in news["splices"]]), news["draft"]["rev"]
        assert text == editing.canvas(ada, name).text
        assert (news["draft"]["can_undo"], news["draft"]["is_draft"], len(news["words"])) == (True, True, 1)
        while (found := message(socket, OF_WORKFLOW)).get("rev") != rev:
            pass
        assert found["type"] == "problems"
    with opened(client, f"workflows/{name}?rev={first.rev}", None, **token) as socket:  # it has missed all of it
        again = message(socket, OF_WORKFLOW)
        assert spliced(first.text, [Splice(**one) for one in again["splices"]]) == text


def test_a_change_without_a_check_is_answered_at_once_and_its_problems_are_told(
    client: TestClient, orchestra: Orchestra, ada: Principal, name: str
) -> None:
    token = bearer(orchestra, ada)
    rev = orchestra.editing.canvas(ada, name).rev
    wrong = {"op": "set", "field": "outputs", "value": {"n": "{{ steps.gone.output.n }}"}}
    with opened(client, f"workflows/{name}?rev={rev}", None, **token) as socket:
        message(socket, OF_WORKFLOW)
        sent = {"base_rev": rev, "ops": [wrong], "check": False}
        edited = client.post(f"/api/workflows/{name}/draft/ops", json=sent, headers=token).json()
        assert (edited["problems"], edited["rev"] == rev) == (None, False)
        while (found := message(socket, OF_WORKFLOW))["type"] != "problems":
            pass
        assert found["rev"] == edited["rev"]
        assert any("gone" in one["message"] for one in found["problems"])


def test_a_file_that_is_saved_or_changed_by_hand_is_told(
    client: TestClient, orchestra: Orchestra, ada: Principal, name: str
) -> None:
    first = orchestra.editing.canvas(ada, name)
    orchestra.editing.apply(ada, name, first.rev, [SET_TITLE])
    with opened(client, f"workflows/{name}", None, **bearer(orchestra, ada)) as socket:
        snapshot = message(socket, OF_WORKFLOW)
        assert (snapshot["draft"]["is_draft"], snapshot["splices"]) == (True, None)
        saved = orchestra.workflows.save(LOCAL, name, TEXT.replace("Work", "Saved"), first.etag)
        told = next_but_problems(socket)
        assert (told["type"], told["saved_etag"], told["saved_by"]) == ("file", saved.etag, LOCAL.id)
        file_of(orchestra, name).write_text(TEXT.replace("Work", "By hand"))  # as git pull does
        told = next_but_problems(socket)
        assert (told["type"], told["etag"], told["saved_by"]) == ("file", first.etag, None)
        assert told["saved_etag"] not in (first.etag, saved.etag)


def test_nobody_hears_of_the_draft_of_another_person(
    client: TestClient, orchestra: Orchestra, ada: Principal, name: str
) -> None:
    user = orchestra.users.add(LOCAL, f"bob-{next(_numbers)}", "Bob", "editor", PASSWORD)
    bob = Principal(user.id, "editor")
    with (
        opened(client, f"workflows/{name}", None, **bearer(orchestra, bob)) as his,
        opened(client, f"workflows/{name}", None, **bearer(orchestra, ada)) as hers,
    ):
        rev = message(his, OF_WORKFLOW)["draft"]["rev"]
        assert message(hers, OF_WORKFLOW)["draft"]["rev"] == rev
        orchestra.editing.apply(bob, name, rev, [SET_TITLE])
        assert next_but_problems(his)["draft"]["is_draft"]
        file_of(orchestra, name).write_text(TEXT.replace("Work", "By hand"))
        news = next_but_problems(hers)
        assert (news["type"], news["draft"]["is_draft"], news["draft"]["can_undo"]) == ("rev", False, False)


# --- the documentation


def test_the_schemas_in_the_documentation_are_these() -> None:
    kept = json.loads((Path(__file__).parents[3] / "docs" / "live.schema.json").read_text())
    assert kept == json.loads(json.dumps(schema())), "python -m api.sockets.messages > docs/live.schema.json"


def test_the_documentation_names_every_field_of_every_message() -> None:
    page = (Path(__file__).parents[3] / "docs" / "live.md").read_text()
    fields = {field for one in schema()["$defs"].values() for field in one.get("properties", {})}
    assert [field for field in sorted(fields) if f"`{field}`" not in page] == []
