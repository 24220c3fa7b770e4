"""Workflows as tools over HTTP: the official client against the served application."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import anyio
import httpx2
import pytest
from mcp import types
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from starlette.applications import Starlette
from starlette.testclient import TestClient

from api.mcp.outputs import LONGEST, shown
from api.mcp.tools import WorkflowTools
from engine.orchestra import Orchestra
from engine.people.access import Role
from tests.api.conftest import LOCAL, PASSWORD, serving
from tests.api.mcp.conftest import write_tools
from tests.engine.conftest import Service, get_step, service, write_workflow
from tests.patience import PATIENCE_SECONDS, until

__all__ = ["service"]

LISTING = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
SENDS = {"Accept": "application/json, text/event-stream"}


@pytest.fixture
def url(app: Starlette, orchestra: Orchestra) -> Iterator[str]:
    """The address of the application, served by a real server."""
    write_tools(orchestra.workspace.root)
    with serving(app) as address:
        yield f"{address}/mcp"


def token_of(orchestra: Orchestra, role: Role) -> str:
    orchestra.users.add(LOCAL, role, role, role, PASSWORD)
    return str(orchestra.users.token(role, PASSWORD))


def asked(url: str, token: str, ask: Callable[[Client], Any]) -> Any:
    """What a client gets that signs in with this token."""

    async def run() -> Any:
        headers = {"Authorization": f"Bearer {token}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=60) as http,
            Client(streamable_http_client(url, http_client=http)) as client,
        ):
            return await ask(client)

    return anyio.run(run)


def called(
    url: str, token: str, name: str, arguments: dict[str, Any] | None = None, **more: Any
) -> types.CallToolResult:
    result: types.CallToolResult = asked(url, token, lambda client: client.call_tool(name, arguments or {}, **more))
    return result


def started(orchestra: Orchestra) -> list[str]:
    return [row.run_id for row in orchestra.runs.list(LOCAL).rows]


def text(result: types.CallToolResult) -> str:
    return "".join(one.text for one in result.content if isinstance(one, types.TextContent))


def test_only_exposed_workflows_are_tools(url: str, token: str) -> None:
    tools = {tool.name: tool for tool in asked(url, token, lambda client: client.list_tools()).tools}
    assert sorted(tools) == ["asking", "failing", "greet", "run_status", "slow"]
    assert tools["greet"].title == "Greet"
    assert (tools["greet"].description or "").startswith("Greets somebody.")
    assert tools["greet"].input_schema["properties"]["who"] == {"type": "string"}
    assert "run_id" in tools["run_status"].input_schema["properties"]  # ours, not the workflow of that name


def test_a_call_returns_the_outputs(url: str, token: str) -> None:
    result = called(url, token, "greet", {"who": "Ada"})
    assert not result.is_error
    assert result.structured_content == {"text": "Hello Ada", "times": 1}
    assert "Hello Ada" in text(result)


def test_long_outputs_come_as_text_and_say_where_the_rest_is(url: str, token: str, orchestra: Orchestra) -> None:
    inputs = {"type": "object", "properties": {"text": {"type": "string"}}}
    steps = [{"id": "set", "uses": "flow.set", "with": {"values": {"text": "{{ inputs.text }}"}}}]
    outputs = {"long": "{{ steps.set.output.text }}", "inside": [{"too": "{{ steps.set.output.text }}"}], "short": "x"}
    write_workflow(orchestra.workspace.root, "long", steps, inputs=inputs, outputs=outputs, expose=True)
    sent = "0123456789" * 40_000
    result = called(url, token, "long", {"text": sent}).structured_content
    assert result["long"].startswith(sent[:LONGEST] + "\n[The first 50,000 of 400,000 characters.")
    assert result["inside"][0]["too"] == result["long"]
    assert result["short"] == "x"
    address = result["long"].rpartition("GET ")[2].removesuffix("]")
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx2.get(url.replace("/mcp", address), headers=headers, timeout=60).text == sent


def test_a_key_makes_a_repeated_call_the_same_run(url: str, token: str, orchestra: Orchestra) -> None:
    for _ in range(2):
        assert called(url, token, "greet", {"who": "Ada"}, meta={"idempotency_key": "k1"}).structured_content
    assert len(started(orchestra)) == 1
    other = called(url, token, "greet", {"who": "Bo"}, meta={"idempotency_key": "k1"})
    assert other.is_error


def test_wrong_arguments_are_refused_and_what_is_no_tool_cannot_be_called(
    url: str, token: str, orchestra: Orchestra
) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [({}, "who"), ({"who": 3}, "who"), ({"who": "Ada", "whom": "Bo"}, "whom")]
    for arguments, words in wrong:
        result = called(url, token, "greet", arguments)
        assert result.is_error
        assert words in text(result)

    async def refused(client: Client) -> list[int]:
        codes = []
        for name in ("hidden", "broken", "nowhere"):
            with pytest.raises(MCPError, match=f"no tool '{name}'") as error:
                await client.call_tool(name, {"who": "Ada"})
            codes.append(error.value.error.code)
        return codes

    assert asked(url, token, refused) == [types.INVALID_PARAMS] * 3
    assert not started(orchestra)


def test_a_failed_run_is_an_error_with_its_reason(url: str, token: str) -> None:
    result = called(url, token, "failing")
    assert result.is_error
    assert "One is not two." in text(result)
    assert result.structured_content["status"] == "failed"


def test_only_a_person_answers_what_a_run_asks(url: str, token: str, orchestra: Orchestra) -> None:
    result = called(url, token, "asking")
    assert not result.is_error
    assert "Send the invoice?" in text(result)
    state = result.structured_content
    assert state["status"] == "waiting"
    orchestra.approvals.approve(LOCAL, state["waiting_for"][0]["approval"])
    until(lambda: orchestra.runs.get(LOCAL, state["run_id"])["status"] == "succeeded", "the run")
    assert called(url, token, "run_status", {"run_id": state["run_id"]}).structured_content == {"done": True}


def test_no_call_returns_what_answers_a_question(url: str, orchestra: Orchestra) -> None:
    orchestra.runs.start(LOCAL, "asking", {})
    [question] = until(lambda: orchestra.approvals.list(LOCAL))
    link = f"https://orchestra.example/approve?token={orchestra.approval_links.token(question)}"
    signature = link.rpartition(".")[2]
    given = {"type": "object", "properties": {"text": {"type": "string"}}}
    values = {"text": f"Answer: {link} {{{{ inputs.text }}}}"}
    read = {"id": "read", "uses": "flow.set", "with": {"values": values}}
    stop = {"id": "stop", "uses": "flow.fail", "with": {"message": "{{ steps.read.output.text }}"}}
    outputs = {"text": "{{ steps.read.output.text }}"}
    orchestra.users.add(LOCAL, "olga", "Olga", "operator")
    token = orchestra.users.api_tokens.create(LOCAL, "olga", "assistant", mcp_only=True).token
    for name, steps in (("mails", [read]), ("failing-mails", [read, stop])):
        write_workflow(orchestra.workspace.root, name, steps, inputs=given, outputs=outputs, expose=True)
        for more in ("", "long " * 80_000):  # over 256 KB, it is in a file
            result = called(url, token, name, {"text": more})
            assert result.is_error is (name == "failing-mails")
            assert "/approve?token=" in text(result)
            assert signature not in text(result)
            assert signature not in str(result.structured_content)


def test_a_run_that_goes_on_can_be_asked_about(url: str, token: str, orchestra: Orchestra) -> None:
    state = called(url, token, "slow").structured_content
    assert state["status"] == "waiting"
    assert called(url, token, "run_status", {"run_id": state["run_id"]}).structured_content["status"] == "waiting"
    orchestra.runs.cancel(LOCAL, state["run_id"])
    until(lambda: orchestra.runs.get(LOCAL, state["run_id"])["status"] == "cancelled", "the run")
    assert called(url, token, "run_status", {"run_id": state["run_id"]}).is_error


def test_a_call_does_not_wait_longer_than_clients_do(orchestra: Orchestra, service: Service) -> None:
    service.seconds["/slow"] = 3.0
    config = f"connections: {{web: {{service: http, allow_hosts: ['127.0.0.1:{service.port}']}}}}\n"
    (orchestra.workspace.root / "config.yaml").write_text(config)
    write_workflow(orchestra.workspace.root, "get", [get_step("get", service.url("/slow"))], expose=True)
    tools = WorkflowTools(orchestra, LOCAL, wait_seconds=0.5)
    refused = anyio.run(tools.call, "get", {})
    assert refused.is_error
    assert "web" in text(refused)  # nobody has agreed to the account
    orchestra.runs.wait(LOCAL, orchestra.runs.start(LOCAL.agreeing(True), "get", {}), PATIENCE_SECONDS)
    state = anyio.run(tools.call, "get", {}).structured_content
    assert state["status"] in {"queued", "running"}
    ended = orchestra.runs.wait(LOCAL, state["run_id"], PATIENCE_SECONDS)
    assert ended["status"] == "succeeded"


def test_runs_of_others_and_of_hidden_workflows_are_not_told(url: str, token: str, orchestra: Orchestra) -> None:
    ada = orchestra.users.principal_of_token(token)
    assert ada is not None
    runs = [
        orchestra.runs.start(LOCAL, "greet", {"who": "a secret"}),
        orchestra.runs.start(ada, "hidden", {"who": "a secret"}),
    ]
    for run_id in (*runs, "20261120T120000Z-aaaaaaaa", "nonsense"):
        result = called(url, token, "run_status", {"run_id": run_id})
        assert result.is_error
        assert "secret" not in text(result)


SECRET = "The salary of Bo. " * 20_000


@pytest.fixture
def secret(orchestra: Orchestra) -> dict[str, Any]:
    """The name of a text in a run of somebody else, and of tools that read and repeat what they are given."""
    root, given = orchestra.workspace.root, {"type": "object", "properties": {"given": {}}}
    write_workflow(root, "private", [{"id": "set", "uses": "flow.set", "with": {"values": {"text": SECRET}}}])
    echo = {"id": "set", "uses": "flow.set", "with": {"values": {"it": "{{ inputs.given }}"}}}
    write_workflow(root, "echo", [echo], inputs=given, outputs={"it": "{{ steps.set.output.it }}"}, expose=True)
    read = {"id": "read", "uses": "file.text", "with": {"file": "{{ inputs.given }}"}}
    write_workflow(root, "read", [read], inputs=given, outputs={"it": "{{ steps.read.output.text }}"}, expose=True)
    run = orchestra.runs.wait(LOCAL, orchestra.runs.start(LOCAL, "private", {}), PATIENCE_SECONDS)
    return dict(run["steps"][0]["output"]["text"])


def test_a_file_of_somebody_else_is_no_argument(
    url: str, token: str, orchestra: Orchestra, secret: dict[str, Any]
) -> None:
    for tool, name, is_deep in product(("echo", "read"), ({}, {"name": "a.txt"}), (False, True)):
        forged: Any = {**secret, **name}
        result = called(url, token, tool, {"given": [{"inside": forged}] if is_deep else forged})
        assert result.is_error, (tool, name, is_deep)
        assert "names a file of a run" in text(result)
        assert "salary" not in text(result)
        assert str(orchestra.workspace.root) not in text(result)
    assert len(started(orchestra)) == 1


def test_a_file_of_an_own_run_is_an_argument(
    url: str, token: str, orchestra: Orchestra, service: Service, secret: dict[str, Any]
) -> None:
    made = called(url, token, "echo", {"given": "Mine. " * 60_000})
    assert not made.is_error
    [run] = [row.run_id for row in orchestra.runs.list(LOCAL).rows if row.workflow == "echo"]
    own = {**orchestra.runs.get(LOCAL, run)["outputs"]["it"], "name": "mine.txt"}
    result = called(url, token, "read", {"given": own})
    assert not result.is_error, text(result)
    assert result.structured_content["it"].startswith("Mine. Mine.")


def test_what_only_looks_like_a_large_value_is_not_read(secret: dict[str, Any]) -> None:
    digest = secret["$file"].rpartition("/")[2]
    own = {**secret, "$file": f"20260101T000000Z-abcdefgh.files/{digest}"}
    told = shown({"theirs": secret, "own": own}, "20260101T000000Z-abcdefgh", lambda _: b"Read.")
    assert told == {"theirs": secret, "own": "Read."}


def test_a_viewer_sees_tools_and_starts_nothing(url: str, orchestra: Orchestra) -> None:
    token = token_of(orchestra, "viewer")
    assert asked(url, token, lambda client: client.list_tools()).tools
    result = called(url, token, "greet", {"who": "Ada"})
    assert result.is_error
    assert "may not start runs" in text(result)
    assert not started(orchestra)


def test_without_a_token_there_are_no_tools(url: str, client: TestClient) -> None:
    for authorization in ("Bearer wrong", "", None):
        headers = SENDS if authorization is None else {**SENDS, "Authorization": authorization}
        answer = client.post("/mcp", json=LISTING, headers=headers)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer"), authorization
        assert "greet" not in answer.text
    with pytest.raises(ExceptionGroup):
        asked(url, "wrong", lambda client: client.list_tools())


def test_pages_of_other_addresses_are_refused(client: TestClient, token: str) -> None:
    known = {"Authorization": f"Bearer {token}", "MCP-Protocol-Version": "2025-06-18", **SENDS}
    for headers, status in (
        ({"Host": "evil.example"}, 421),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:3000"}, 403),
        ({"Origin": "http://localhost:8501"}, 403),
        ({"Origin": "https://127.0.0.1"}, 403),
        ({"Origin": "http://127.0.0.1:8501"}, 200),
        ({}, 200),
    ):
        assert client.post("/mcp", json=LISTING, headers={**known, **headers}).status_code == status, headers


def test_a_body_that_is_too_large_is_said_to_be_so(url: str, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json, text/event-stream"}
    sent = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "greet", "x": "a" * 1_100_000}}
    assert httpx2.post(url, json=sent, headers=headers, timeout=60).status_code == 413
