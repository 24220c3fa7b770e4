"""Steps that ask a model take a connection to any of them, with its own account, price and installation."""

from __future__ import annotations

import json
from typing import Any

import pytest

from clients.service import Extra
from engine.base.errors import InvalidFile, InvalidInput
from engine.base.services import client_class
from tests.engine.budgets.conftest import Desk, ask, desk
from tests.engine.conftest import OWNER

__all__ = ["desk"]

SERVICES = ("anthropic", "gemini")
SCHEMA = {"type": "object", "properties": {"kind": {"enum": ["bug", "task"]}}, "required": ["kind"]}


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> str:
    declared = client_class(request.param).service
    if absence := declared.lacks({}):
        pytest.skip(f"{absence} {declared.install}")
    return declared.name


def use(desk: Desk, monkeypatch: pytest.MonkeyPatch, **services: str) -> None:
    """Write connections to these services, by name."""
    connections = {}
    for name, service in services.items():
        endpoint = desk.standins[service]
        monkeypatch.setenv(f"KEY_OF_{service.upper()}", endpoint.token)
        key = f"env:KEY_OF_{service.upper()}"
        connections[name] = {"service": service, "base_url": endpoint.base_url, "api_key": key, "model": "big"}
    desk.config(connections=connections)


def test_a_step_asks_the_model_of_its_connection_and_the_run_names_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    use(desk, monkeypatch, other=service, llm="openai")
    fields = {"messages": [{"role": "user", "content": "The app crashes."}], "schema": SCHEMA}
    sort = {"id": "sort", "uses": "llm.extract", "connection": "other", "with": fields}
    desk.workflow([{**ask(), "connection": "other"}, sort])
    run = desk.run()
    assert run["status"] == "succeeded", run["error"]
    assert run["steps"][1]["output"] == {"kind": "bug"}
    assert [step["connection"] for step in run["steps"]] == ["other", "other"]
    assert run["usage"]["cost_usd"] == pytest.approx(run["usage"]["output_tokens"] / 100)
    assert run["usage"]["input_tokens"] > 0
    assert desk.asked == 0, "the other connection is not asked"


def test_another_model_can_be_added_without_a_change_of_every_step(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    unnamed: dict[str, Any] = {name: value for name, value in ask().items() if name != "connection"}
    desk.workflow([unnamed])
    use(desk, monkeypatch, claude="anthropic")
    assert desk.run()["steps"][0]["connection"] == "claude", "the only one"
    use(desk, monkeypatch, claude="anthropic", llm="openai")
    assert desk.run()["steps"][0]["connection"] == "llm", "the only one of the service that the step is made for"
    use(desk, monkeypatch, claude="anthropic", gemini="gemini")
    with pytest.raises(InvalidFile, match=r"llm\.chat needs a connection to a model, and there are 2: claude, gemini"):
        desk.orchestra.runs.start(OWNER, "work", {})
    desk.workflow([{**unnamed, "connection": "web"}])
    desk.config(connections={"web": {"service": "http"}})
    with pytest.raises(InvalidFile, match=r"it is for http, and llm\.chat needs a model"):
        desk.orchestra.runs.start(OWNER, "work", {})


def test_what_is_not_installed_is_said_before_a_run(desk: Desk, monkeypatch: pytest.MonkeyPatch, service: str) -> None:
    use(desk, monkeypatch, llm=service)
    desk.workflow([ask()])
    with monkeypatch.context() as patch:
        patch.setattr(Extra, "is_installed", lambda _: False)
        with pytest.raises(InvalidInput, match="needs the package") as refused:
            desk.orchestra.runs.start(OWNER, "work", {})
        install = f" -m pip install 'ai-orchestra[{service}]'`."
        assert refused.value.remedy.endswith(install)
        status = desk.orchestra.connections.get(OWNER, "llm")
        assert not status.ready
        assert status.note.endswith(install)
        lines = desk.orchestra.connections.check(OWNER, "llm")
        assert [(line.ok, install in line.text) for line in lines if line.what == "server"] == [(False, True)]
        key = f"env:KEY_OF_{service.upper()}"
        desk.config(connections={"llm": {"service": service, "api_key": key, "base_url": "http://127.0.0.1:9"}})
        unreachable = desk.orchestra.connections.check(OWNER, "llm")
        told = [(line.what, install in line.text) for line in unreachable if not line.ok]
        assert told == [("reachable", False), ("server", True)]
        use(desk, patch, llm=service)
    assert desk.orchestra.connections.get(OWNER, "llm").ready


def test_another_model_answers_where_one_refuses_and_the_run_says_why(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(desk, monkeypatch, claude="anthropic", gemini="gemini")
    fields = {"messages": [{"role": "user", "content": "The app crashes."}], "schema": SCHEMA}
    again = {"id": "again", "uses": "llm.extract", "connection": "gemini", "with": fields}
    first = {"id": "sort", "uses": "llm.extract", "connection": "claude", "with": fields}
    desk.workflow([{**first, "on_error": {"steps": [again]}}], outputs={"kind": "{{ steps.sort.output.kind }}"})
    usage = {"input_tokens": 7, "output_tokens": 2}
    refusal = {"type": "message", "role": "assistant", "model": "big", "content": [], "stop_reason": "refusal"}
    body = json.dumps({**refusal, "id": "1", "stop_sequence": None, "usage": usage})
    headers = {"content-type": "application/json"}
    desk.standins.faults("anthropic", match="POST", status=200, body=body, headers=headers)
    run = desk.run()
    assert (run["status"], run["outputs"]) == ("succeeded", {"kind": "bug"})
    answered = {step["connection"]: step for step in run["steps"]}
    [attempt] = answered["claude"]["attempts"]
    assert attempt["error"]["message"] == "The model refuses: it gives no reason."
    assert answered["gemini"]["status"] == "succeeded"
    assert run["usage"]["input_tokens"] == 7 + answered["gemini"]["usage"]["input_tokens"], "both are paid"


def test_vectors_of_a_service_without_them_say_which_connection_to_take(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(desk, monkeypatch, llm="anthropic")
    desk.workflow([{"id": "embed", "uses": "llm.embed", "with": {"texts": ["a"]}}])
    run = desk.run()
    assert run["status"] == "failed"
    assert "no model that turns texts into vectors" in run["steps"][0]["error"]["message"]
    assert "connection" in run["steps"][0]["error"]["remedy"]
