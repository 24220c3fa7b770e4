"""A link to one question: looking decides nothing, the buttons decide once, and nothing else is shown or accepted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from starlette.testclient import TestClient

from dashboard.parts.times import full_time
from engine.orchestra import Orchestra
from engine.outgoing.hidden_characters import hidden_in
from engine.people.access import Principal
from tests.api.conftest import LOCAL
from tests.patience import PATIENCE_SECONDS, until

HERE = "http://127.0.0.1:8501"
ANN = Principal("ann", "owner")


class Sink:
    """A server on this machine that counts and keeps what is posted to it."""

    def __init__(self) -> None:
        self.bodies: list[Any] = []
        self.statuses: list[int] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.port = self._server.server_port
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def _handler(sink) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - the handler has its own self
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                sink.bodies.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                self.send_response(sink.statuses.pop(0) if sink.statuses else 200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        return Handler

    def url(self, path: str) -> str:
        """The address of a path."""
        return f"http://127.0.0.1:{self.port}{path}"

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def sink() -> Iterator[Sink]:
    found = Sink()
    yield found
    found.close()


@pytest.fixture
def orchestra(orchestra: Orchestra, sink: Sink) -> Orchestra:
    """The engine of a workspace that wants links, and may post to the sink."""
    web = f"connections:\n  web: {{service: http, allow_hosts: ['127.0.0.1:{sink.port}']}}\n"
    path = orchestra.workspace.root / "config.yaml"
    path.write_text(f"{web}approvals: {{notify: 'https://example.invalid/hook'}}\n")
    return orchestra


def asked(orchestra: Orchestra, sink: Sink, **more: Any) -> Any:
    """Start a run whose write waits; return its question."""
    fields = {"method": "POST", "url": sink.url("/w"), "json": {"text": "<b>Hi</b>"}}
    step = {"id": "w", "uses": "http.request", "connection": "web", "with": fields, **more}
    document = {"schema_version": 1, "title": "Work", "steps": [step]}
    (orchestra.workspace.root / "workflows" / "work.json").write_text(json.dumps(document))
    run_id = orchestra.runs.start(LOCAL.agreeing(confirmed=True), "work", {})
    assert orchestra.runs.wait(LOCAL, run_id, PATIENCE_SECONDS)["status"] == "waiting"
    [found] = orchestra.approvals.list(LOCAL)
    return found


def token_of(orchestra: Orchestra, question: Any) -> str:
    return str(orchestra.approval_links.token(question))


def ended(orchestra: Orchestra, question: Any, status: str) -> None:
    until(lambda: orchestra.runs.get(LOCAL, question.run_id)["status"] == status)


def test_the_page_shows_one_question_and_its_buttons_answer_it(
    client: TestClient, orchestra: Orchestra, sink: Sink
) -> None:
    question = asked(orchestra, sink)
    token = token_of(orchestra, question)
    page = client.get("/approve", params={"token": token})
    assert page.status_code == 200
    assert "&lt;b&gt;Hi&lt;/b&gt;" in page.text
    assert "<b>Hi</b>" not in page.text
    [heading] = re.findall("<h1>(.*)</h1>", page.text)
    assert f"<b>{sink.url('/w')}</b>" in heading  # as on the page Approvals
    assert "Approving permits exactly this, once." in page.text
    answer = client.post(
        "/approve", data={"token": token, "answer": "approve", "reason": "Go."}, headers={"Origin": HERE}
    )
    assert (answer.status_code, "Approved" in answer.text) == (200, True)
    ended(orchestra, question, "succeeded")
    assert sink.bodies == [{"text": "<b>Hi</b>"}]
    found = orchestra.approvals.get(LOCAL, question.id)
    assert (found.answered_by, found.comment) == ("a link", "Go.")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_link_scanner_decides_nothing(client: TestClient, orchestra: Orchestra, sink: Sink, method: str) -> None:
    question = asked(orchestra, sink)
    token = token_of(orchestra, question)
    for query in ({"token": token}, {"token": token, "answer": "approve"}):
        assert client.request(method, "/approve", params=query).status_code == 200
    assert orchestra.approvals.get(LOCAL, question.id).state == "open"
    assert sink.bodies == []


def test_characters_that_nobody_sees_are_shown(client: TestClient, orchestra: Orchestra, sink: Sink) -> None:
    text = "Pay 10\u202e01 now\u200b\U000e0041 [your \u200banswer]"
    fields = {"method": "POST", "url": sink.url("/w"), "json": {"text": text}}
    question = asked(orchestra, sink, title="Te\u200bll", **{"with": fields})
    page = client.get("/approve", params={"token": token_of(orchestra, question)})
    assert (page.status_code, hidden_in(page.text)) == (200, set())
    for mark in ("Pay 10[U+202E]01 now[U+200B][U+E0041]", "Te[U+200B]ll", "[your [U+200B]answer]"):
        assert mark in page.text


def test_the_page_behind_a_link_shows_no_other_link(client: TestClient, orchestra: Orchestra, sink: Sink) -> None:
    first = asked(orchestra, sink)
    other = f"https://orchestra.example/approve?token={token_of(orchestra, first)}"
    fields = {"method": "POST", "url": f"{sink.url('/w')}?next={other}", "json": {"text": f"Answer:\n{other}"}}
    step = {"id": "w", "uses": "http.request", "connection": "web", "with": fields}
    document = {"schema_version": 1, "title": "Tell", "steps": [step]}
    (orchestra.workspace.root / "workflows" / "tell.json").write_text(json.dumps(document))
    orchestra.runs.start(LOCAL.agreeing(confirmed=True), "tell", {})
    second = until(lambda: next((one for one in orchestra.approvals.list(LOCAL) if one.id != first.id), None))
    token = token_of(orchestra, second)
    page = client.get("/approve", params={"token": token}).text
    assert "orchestra.example/approve?token=" in page
    assert other.rpartition(".")[2] not in page
    assert token in page


def test_a_link_works_once(client: TestClient, orchestra: Orchestra, sink: Sink) -> None:
    question = asked(orchestra, sink)
    form = {"token": token_of(orchestra, question), "answer": "approve"}
    assert [client.post("/approve", data=form).status_code for _ in range(3)] == [200, 409, 409]
    ended(orchestra, question, "succeeded")
    assert client.post("/approve", data={**form, "answer": "reject"}).status_code == 409
    assert "no longer works" in client.get("/approve", params=form).text
    assert len(sink.bodies) == 1


def test_a_rejection_by_link_sends_nothing(client: TestClient, orchestra: Orchestra, sink: Sink) -> None:
    question = asked(orchestra, sink)
    form = {"token": token_of(orchestra, question), "answer": "reject", "reason": "No."}
    assert client.post("/approve", data=form).status_code == 200
    ended(orchestra, question, "failed")
    assert sink.bodies == []


def _approve(orchestra: Orchestra, question: Any) -> None:
    orchestra.approvals.approve(ANN, question.id, "Fine.", {**question.call.arguments, "json": {"text": "Secret"}})


def _reject(orchestra: Orchestra, question: Any) -> None:
    orchestra.approvals.reject(ANN, question.id, "No secrets.")


def _cancel(orchestra: Orchestra, question: Any) -> None:
    orchestra.runs.cancel(ANN, question.run_id)
    until(lambda: orchestra.approvals.get(LOCAL, question.id).state == "withdrawn")


@pytest.mark.parametrize(
    ("end", "answer", "by"),
    [(_approve, "Approved, edited", "ann"), (_reject, "Rejected", "ann"), (_cancel, "Withdrawn", None)],
)
def test_an_old_link_shows_only_what_came_of_its_question(
    client: TestClient, orchestra: Orchestra, sink: Sink, end: Any, answer: str, by: str | None
) -> None:
    question = asked(orchestra, sink)
    token = token_of(orchestra, question)
    end(orchestra, question)
    page = client.get("/approve", params={"token": token})
    ended_at = orchestra.approvals.get(LOCAL, question.id).answered_at
    rows = re.findall("<dt>(.*?)</dt><dd>(.*?)</dd>", page.text)
    assert (page.status_code, dict(rows)) == (
        200,
        {"Workflow": "work", "Answer": answer, "At": full_time(ended_at), **({"By": by} if by else {})},
    )
    for told in ("Hi", "ecret", str(sink.port), "http.request", "<form", "<button"):
        assert told not in page.text


def _cut(token: str, other: str) -> str:
    return token[:-1]


def _changed(token: str, other: str) -> str:
    return token[:-2] + ("AA" if not token.endswith("AA") else "BB")


def _later(token: str, other: str) -> str:
    question, ends, signature = token.split(".")
    return f"{question}.{int(ends) + 1}.{signature}"


def _of_another(token: str, other: str) -> str:
    return ".".join([other.split(".", maxsplit=1)[0], *token.split(".")[1:]])


def _nothing(token: str, other: str) -> str:
    return ""


@pytest.mark.parametrize("change", [_cut, _changed, _later, _of_another, _nothing])
def test_a_link_that_was_tampered_with_does_nothing(
    client: TestClient, orchestra: Orchestra, sink: Sink, change: Any
) -> None:
    question = asked(orchestra, sink)
    orchestra.approvals.reject(LOCAL, question.id)
    ended(orchestra, question, "failed")
    second = asked(orchestra, sink)
    wrong = change(token_of(orchestra, question), token_of(orchestra, second))
    assert client.get("/approve", params={"token": wrong}).status_code == 403
    assert client.post("/approve", data={"token": wrong, "answer": "approve"}).status_code == 403
    assert orchestra.approvals.get(LOCAL, second.id).state == "open"
    assert sink.bodies == []


def test_a_link_expires(client: TestClient, orchestra: Orchestra, sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    question = asked(orchestra, sink)
    links = orchestra.approval_links
    clock = links._clock
    monkeypatch.setattr(links, "_clock", lambda: clock().replace(year=2020))
    token = token_of(orchestra, question)
    monkeypatch.setattr(links, "_clock", clock)
    assert client.get("/approve", params={"token": token}).status_code == 403
    assert client.post("/approve", data={"token": token, "answer": "approve"}).status_code == 403
    assert sink.bodies == []


def test_a_link_answers_no_question_that_names_people(client: TestClient, orchestra: Orchestra, sink: Sink) -> None:
    question = asked(orchestra, sink, approve={"by": "operator"})
    token = token_of(orchestra, question)
    assert "Sign in" in client.get("/approve", params={"token": token}).text
    assert client.post("/approve", data={"token": token, "answer": "approve"}).status_code == 403
    assert orchestra.approvals.get(LOCAL, question.id).state == "open"


def test_links_are_off_unless_configured(client: TestClient, orchestra: Orchestra, sink: Sink) -> None:
    question = asked(orchestra, sink)
    token = token_of(orchestra, question)
    path = orchestra.workspace.root / "config.yaml"
    path.write_text(path.read_text().split("approvals:")[0])
    assert client.get("/approve", params={"token": token}).status_code == 403
    assert client.post("/approve", data={"token": token, "answer": "approve"}).status_code == 403
    assert sink.bodies == []


def test_a_foreign_page_cannot_answer(client: TestClient, orchestra: Orchestra, sink: Sink) -> None:
    question = asked(orchestra, sink)
    form = {"token": token_of(orchestra, question), "answer": "approve"}
    assert client.post("/approve", data=form, headers={"Origin": "https://evil.example"}).status_code == 403
    assert orchestra.approvals.get(LOCAL, question.id).state == "open"


def test_a_reason_that_is_too_long_is_refused_as_such(client: TestClient, orchestra: Orchestra, sink: Sink) -> None:
    question = asked(orchestra, sink)
    form = {"token": token_of(orchestra, question), "answer": "approve", "reason": "x" * 4_001}
    answer = client.post("/approve", data=form, headers={"Origin": HERE})
    assert (answer.status_code, "4,001 characters" in answer.text) == (422, True)
    assert orchestra.approvals.get(LOCAL, question.id).state == "open"


def test_guessing_is_limited(client: TestClient, orchestra: Orchestra) -> None:
    found = [client.get("/approve", params={"token": "x"}) for _ in range(32)]
    assert {one.status_code for one in found} == {403, 429}
    assert found[-1].headers["retry-after"].isdigit()


def _configure(orchestra: Orchestra, notify: str) -> None:
    path = orchestra.workspace.root / "config.yaml"
    path.write_text(path.read_text().split("approvals:")[0] + f"approvals: {{notify: '{notify}'}}\n")


def test_a_webhook_gets_a_link_that_works_and_nothing_of_the_call(
    client: TestClient, orchestra: Orchestra, sink: Sink
) -> None:
    sink.statuses = [500, 200]  # the first message is not taken, and sent again
    _configure(orchestra, sink.url("/hook"))
    question = asked(orchestra, sink)
    until(lambda: len(sink.bodies) >= 2)
    said = sink.bodies[-1]
    assert (said["approval"], said["workflow"], said["message"]) == (question.id, "work", question.message)
    assert "Hi" not in json.dumps(said)
    address, _, token = said["link"].partition("/approve?token=")
    assert address.startswith("http://127.0.0.1:")
    assert client.get("/approve", params={"token": token}).status_code == 200
    assert client.post("/approve", data={"token": token, "answer": "approve"}).status_code == 200
    ended(orchestra, question, "succeeded")
    assert [body for body in sink.bodies if "approval" not in body] == [{"text": "<b>Hi</b>"}]
    assert len([body for body in sink.bodies if "approval" in body]) == 2


def test_a_workflow_gets_the_link_once_and_is_not_asked_about_itself(
    client: TestClient, orchestra: Orchestra, sink: Sink
) -> None:
    _configure(orchestra, "tell-me")
    fields = {"method": "POST", "url": sink.url("/tell"), "json": {"link": "{{ inputs.link }}"}}
    tell = {"id": "tell", "uses": "http.request", "connection": "web", "approve": "never", "with": fields}
    inputs = {"type": "object", "properties": {"link": {"type": "string"}}}
    document = {"schema_version": 1, "title": "Tell me", "inputs": inputs, "steps": [tell]}
    folder = orchestra.workspace.root / "workflows"
    (folder / "tell-me.json").write_text(json.dumps(document))
    by_hand = orchestra.runs.start(LOCAL.agreeing(confirmed=True), "tell-me", {"link": "none"})  # agrees to the account
    orchestra.runs.wait(LOCAL, by_hand, PATIENCE_SECONDS)
    question = asked(orchestra, sink)
    until(lambda: len(sink.bodies) >= 2)
    token = sink.bodies[1]["link"].partition("token=")[2]
    assert client.post("/approve", data={"token": token, "answer": "reject"}).status_code == 200
    ended(orchestra, question, "failed")
    assert len(sink.bodies) == 2


@pytest.mark.parametrize("is_private", [False, True])
def test_what_a_question_quotes_is_text_from_outside_for_the_workflow_that_tells_it(
    orchestra: Orchestra, sink: Sink, *, is_private: bool
) -> None:
    _configure(orchestra, "tell-me")
    fields = {"method": "POST", "url": sink.url("/tell"), "text": "{{ inputs.message }} {{ inputs.link }}"}
    tell = {"id": "tell", "uses": "http.request", "connection": "web", "approve": "never", "with": fields}
    names = {"message": {"type": "string"}, "link": {"type": "string"}}
    told = {"schema_version": 1, "title": "Tell me", "inputs": {"type": "object", "properties": names}, "steps": [tell]}
    ask = {"id": "ask", "uses": "flow.approve", "with": {"message": "{{ inputs.text }}"}}
    texts = {"type": "object", "properties": {"text": {"type": "string"}}}
    asks = {"schema_version": 1, "title": "Ask", "inputs": texts, "steps": [ask], "privacy": "local"}
    if not is_private:
        del asks["privacy"]
    folder = orchestra.workspace.root / "workflows"
    (folder / "tell-me.json").write_text(json.dumps(told))
    (folder / "ask.json").write_text(json.dumps(asks))
    by_hand = orchestra.runs.start(LOCAL.agreeing(confirmed=True), "tell-me", {"link": "", "message": ""})
    orchestra.runs.wait(LOCAL, by_hand, PATIENCE_SECONDS)
    orchestra.runs.start(LOCAL, "ask", {"text": "pay\u202e now"})
    run_id = until(lambda: next((one.run_id for one in orchestra.runs.list(LOCAL, workflow="tell-me").rows[:-1]), ""))
    [step] = orchestra.runs.wait(LOCAL, run_id, PATIENCE_SECONDS)["steps"]
    assert step["arguments"] is not None
    said, _, link = step["arguments"]["text"].rpartition(" ")
    assert said == (
        "A private workflow has a question; its text stays on its machine." if is_private else "pay[U+202E] now"
    )
    assert link.startswith("http://127.0.0.1:")
