"""MCP servers that say odd things: one odd tool costs no other, and nothing of an answer is left out in silence."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import InvalidInput
from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.engine.conftest import write_workflow
from tests.patience import PATIENCE_SECONDS

OWNER = Principal("tester", "owner", confirmed=True)
TEXT = {"type": "string"}
PLAIN = {"name": "plain", "inputSchema": {"type": "object", "properties": {"q": TEXT}, "required": ["q"]}}
SAID = {"type": "text", "text": "done"}


class OddServer(ThreadingHTTPServer):
    """A server of the protocol without the official package: it says what the test says."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), OddHandler)
        self.pages: list[dict[str, Any]] = []
        self.answer: dict[str, Any] = {"content": [SAID]}
        self.calls: list[dict[str, Any]] = []

    def result(self, method: str, params: dict[str, Any]) -> dict[str, Any] | None:
        if method == "initialize":
            about = {"serverInfo": {"name": "odd", "version": "1"}, "capabilities": {"tools": {}}}
            return {"protocolVersion": "2025-06-18", **about}
        if method == "tools/list":
            return self.pages[int(params.get("cursor") or 0)]
        if method == "tools/call":
            self.calls.append(params)
            return self.answer
        return None


class OddHandler(BaseHTTPRequestHandler):
    server: OddServer

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        found = self.server.result(asked["method"], asked.get("params") or {})
        known = {"result": found} if found is not None else {"error": {"code": -32601, "message": "unknown"}}
        body = json.dumps({"jsonrpc": "2.0", "id": asked["id"], **known}).encode() if "id" in asked else b""
        self.send_response(200 if body else 202)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[OddServer]:
    with OddServer() as found:
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield found
        found.shutdown()


@pytest.fixture
def orchestra(server: OddServer, tmp_path: Path) -> Iterator[Orchestra]:
    (tmp_path / "workflows").mkdir()
    url = f"http://127.0.0.1:{server.server_port}/mcp"
    (tmp_path / "config.yaml").write_text(f"connections:\n  odd: {{service: mcp, base_url: '{url}'}}\n", "utf-8")
    opened = Orchestra.open(tmp_path)
    yield opened
    opened.close()


def called(orchestra: Orchestra, server: OddServer, answer: dict[str, Any]) -> Any:
    """The step of a run that calls the plain tool, which answers this."""
    server.pages, server.answer = [{"tools": [PLAIN]}], answer
    orchestra.tool_servers.accept(OWNER, "odd", "plain", "reads", {})
    write_workflow(orchestra.workspace.root, "ask", [{"id": "ask", "uses": "mcp.odd.plain", "with": {"q": "x"}}])
    run = orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "ask", {}), PATIENCE_SECONDS)
    assert run is not None
    return run["steps"][0]


ODD: dict[str, tuple[Any, str]] = {
    "no schema": ({"name": "odd"}, "gives no schema of its input"),
    "a schema that is true": ({"name": "odd", "inputSchema": True}, "not a JSON Schema"),
    "a schema that is a text": ({"name": "odd", "inputSchema": "{}"}, "not a JSON Schema"),
    "a schema of a list": ({"name": "odd", "inputSchema": {"type": "array"}}, "not describe an object"),
    "required among the properties": (
        {"name": "odd", "inputSchema": {"type": "object", "properties": {"c": TEXT, "required": ["c"]}}},
        "The schema of its input cannot be used: ",
    ),
    "a required without a list": ({"name": "odd", "inputSchema": {"type": "object", "required": True}}, "cannot be"),
    "an unknown type": ({"name": "odd", "inputSchema": {"properties": {"c": {"type": "str"}}}}, "str"),
    "properties in a list": ({"name": "odd", "inputSchema": {"type": "object", "properties": []}}, "cannot be used"),
    "an output that is not a schema": ({**PLAIN, "name": "odd", "outputSchema": []}, "schema of its output"),
    "a huge schema": (
        {"name": "odd", "inputSchema": {"type": "object", "properties": {f"p{n}": TEXT for n in range(9_000)}}},
        "longer than 64 KB",
    ),
    "a name that is a number": ({**PLAIN, "name": 7}, "no name"),
    "no name": ({"inputSchema": {"type": "object"}}, "no name"),
    "not a tool": ("odd", "no name"),
    "null": (None, "no name"),
    "nothing that steps can spell": ({**PLAIN, "name": "…"}, "no letter"),
}  # fmt: skip


@pytest.mark.parametrize("how", ODD)
def test_an_odd_tool_is_refused_with_its_reason_and_costs_no_other(
    orchestra: Orchestra, server: OddServer, how: str
) -> None:
    odd, reason = ODD[how]
    server.pages = [{"tools": [odd, PLAIN], "nextCursor": ""}]
    refused, plain = orchestra.tool_servers.tools(OWNER, "odd")
    assert reason in refused.problem
    assert "pydantic" not in refused.problem
    assert not plain.problem
    with pytest.raises(InvalidInput, match="cannot be accepted"):
        orchestra.tool_servers.accept(OWNER, "odd", refused.name, "reads", {})
    step = called(orchestra, server, server.answer)
    assert (step["status"], step["output"]["text"]) == ("succeeded", "done")


GOOD: dict[str, dict[str, Any]] = {
    "no type": {"properties": {"q": TEXT}},
    "types": {"type": "object", "properties": {"q": {"type": ["string", "null"]}}},
    "true": {"type": "object", "properties": {"q": True}},
    "references": {"type": "object", "properties": {"q": {"$ref": "#/$defs/q"}}, "$defs": {"q": TEXT}},
    "a reference to itself": {"type": "object", "properties": {"q": TEXT, "more": {"$ref": "#"}}},
    "a reference at the top": {"$ref": "#/$defs/a", "$defs": {"a": {"type": "object", "properties": {"q": TEXT}}}},
}


@pytest.mark.parametrize("how", GOOD)
def test_an_unusual_schema_is_accepted_and_called(orchestra: Orchestra, server: OddServer, how: str) -> None:
    about = {"annotations": "reads", "title": 3, "description": ["x"], "execution": {"taskSupport": "optional"}}
    server.pages = [{"tools": [{"name": "plain", "inputSchema": GOOD[how], **about}]}]
    [found] = orchestra.tool_servers.tools(OWNER, "odd")
    assert (found.problem, found.annotations) == ("", {})
    orchestra.tool_servers.accept(OWNER, "odd", "plain", "reads", {})
    write_workflow(orchestra.workspace.root, "ask", [{"id": "ask", "uses": "mcp.odd.plain", "with": {"q": "x"}}])
    run = orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "ask", {}), PATIENCE_SECONDS)
    assert run is not None
    assert run["status"] == "succeeded", run["error"]
    assert server.calls[0]["arguments"] == {"q": "x"}


def test_odd_pages_end_and_a_name_that_is_there_twice_costs_no_other(orchestra: Orchestra, server: OddServer) -> None:
    twice = {**PLAIN, "name": "twice"}
    server.pages = [{"tools": [twice, PLAIN], "nextCursor": "1"}, {"tools": [twice], "nextCursor": ""}]
    found = orchestra.tool_servers.tools(OWNER, "odd")
    assert [(one.name, bool(one.problem)) for one in found] == [("twice", True), ("plain", False), ("twice", True)]
    assert called(orchestra, server, server.answer)["status"] == "succeeded"


FILE = {"uri": "repo://a/README.md", "mimeType": "text/plain; charset=utf-8", "text": "# Read me"}
LINK = {"type": "resource_link", "uri": "https://a.example/b.pdf", "name": "b.pdf", "mimeType": "application/pdf"}
ANSWERS: dict[str, tuple[dict[str, Any], str, list[str]]] = {
    "an embedded text": ({"content": [SAID, {"type": "resource", "resource": FILE}]}, "done\n# Read me", []),
    "an embedded text alone": ({"content": [{"type": "resource", "resource": FILE}]}, "# Read me", []),
    "an empty embedded text": ({"content": [{"type": "resource", "resource": {**FILE, "text": ""}}]}, "", []),
    "an embedded file": (
        {"content": [SAID, {"type": "resource", "resource": {"uri": "repo://a.png", "blob": "QUJD"}}]},
        "done",
        ["A file (3 bytes): repo://a.png."],
    ),
    "a link": (
        {"content": [SAID, LINK]},
        "done",
        ["A link to a file that was not read (application/pdf): b.pdf: https://a.example/b.pdf."],
    ),
    "a picture": (
        {"content": [SAID, {"type": "image", "data": "QUJDRA==", "mimeType": "image/png"}]},
        "done",
        ["A picture (image/png, 4 bytes)."],
    ),
    "a recording": (
        {"content": [{"type": "audio", "data": "QUJD", "mimeType": "audio/wav"}]},
        "",
        ["A recording (audio/wav, 3 bytes)."],
    ),
    "a kind from the future": ({"content": [SAID, {"type": "video"}]}, "done", ["A part of the type 'video'."]),
    "no kind": ({"content": [SAID, 7]}, "done", ["A part without a type."]),
    "a null": ({"content": [SAID, {"type": "text", "text": None}]}, "done", ["A part of the type 'text'."]),
    "data alone": ({"content": [], "structuredContent": {"n": 1}}, '{"n":1}', []),
    "data without content": ({"structuredContent": {"n": 1}}, '{"n":1}', []),
    "data and text": ({"content": [SAID], "structuredContent": {"n": 1}}, "done", []),
    "data that is a list": ({"content": [SAID], "structuredContent": [1]}, "done", []),
    "odd annotations": ({"content": [{**SAID, "annotations": "x", "_meta": 1}]}, "done", []),
}  # fmt: skip


@pytest.mark.parametrize("how", ANSWERS)
def test_all_text_of_an_answer_is_in_the_output_and_the_rest_is_named(
    orchestra: Orchestra, server: OddServer, how: str
) -> None:
    answer, text, left_out = ANSWERS[how]
    step = called(orchestra, server, answer)
    assert step["status"] == "succeeded", step["error"]
    assert step["output"] == {"text": text, "data": answer.get("structuredContent"), "left_out": left_out}
    assert bool(step.get("note")) == (not text or bool(left_out))


def test_many_parts_that_are_no_text_are_counted(orchestra: Orchestra, server: OddServer) -> None:
    step = called(orchestra, server, {"content": [LINK] * 25})
    assert step["output"]["left_out"][-1] == "5 more parts that are not text."


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"isError": True, "content": [SAID]}, "reports an error: done"),
        ({"isError": True, "content": [{"type": "resource", "resource": FILE}]}, "reports an error: # Read me"),
        ({"isError": True, "content": [], "structuredContent": {"why": "full"}}, 'reports an error: {"why": "full"}'),
        ({"isError": True, "content": []}, "reports an error."),
        ({"isError": ["yes"], "content": [SAID]}, "reports an error: done"),
        ({}, "without a list of contents"),
        ({"content": "done"}, "without a list of contents"),
    ],
)
def test_an_error_of_a_tool_is_told_in_its_words(
    orchestra: Orchestra, server: OddServer, answer: dict[str, Any], words: str
) -> None:
    step = called(orchestra, server, answer)
    assert step["status"] == "failed"
    assert words in step["error"]["message"]


def test_an_error_of_the_protocol_is_told_in_its_words(orchestra: Orchestra, server: OddServer) -> None:
    server.result = lambda method, params: (  # type: ignore[method-assign]
        None if method == "tools/call" else OddServer.result(server, method, params)
    )
    step = called(orchestra, server, {})
    assert "answered with error -32601: unknown" in step["error"]["message"]
