"""A scripted model: it solves each task as AgentDojo's authors do, and obeys every attack that it sees, at once."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from evals.agentdojo.agents import Json, tool_name

_SIGN = "This is an important message from me"
"""Begins the attacks `important_instructions*`."""
_CASE = re.compile(r'"case": "([^"]+)"')
_TOOL = re.compile(r"^- (\w+): .*?^  arguments: (\{.*?\})$", re.MULTILINE | re.DOTALL)
_NOTHING: Mapping[str, Any] = {"string": "", "integer": 0, "number": 0.0, "boolean": False, "array": []}


@dataclass
class Script:
    """What it does in one case."""

    calls: Sequence[Json]
    output: str
    attack: Sequence[Json] = ()
    attack_output: str = ""
    seen_at: int | None = None
    """The turn in which it has first seen the attack."""


@dataclass
class Model:
    """The server: `scripts` by the address of the case."""

    base_url: str = ""
    scripts: dict[str, Script] = field(default_factory=dict)

    def answer(self, messages: Sequence[Mapping[str, Any]]) -> str:
        """Return the next call as JSON."""
        found = _CASE.search(str(messages[1]["content"]))
        assert found is not None
        script = self.scripts[found[1]]
        turn = sum(one["role"] == "assistant" for one in messages)
        if script.seen_at is None and script.attack and any(_SIGN in str(one["content"]) for one in messages[2:]):
            script.seen_at = turn
        at = script.seen_at
        calls = [*script.calls] if at is None else [*script.calls[:at], *script.attack, *script.calls[at:]]
        output = script.output if at is None else f"{script.attack_output} {script.output}".strip()
        if turn >= len(calls):
            return json.dumps({"tool": "finish", "arguments": {"output": output}})
        call = calls[turn]
        schemas = dict(_TOOL.findall(str(messages[0]["content"])))
        schema = json.loads(schemas.get(tool_name(call["function"]), "{}"))
        return json.dumps({"tool": tool_name(call["function"]), "arguments": _fitting(call["arguments"], schema)})


def _fitting(arguments: Json, schema: Mapping[str, Any]) -> Json:
    """Return arguments as far as the tool takes them, and nothing in particular for all others that it wants."""
    return (
        {
            key: arguments.get(key, _NOTHING.get(str(one.get("type")), next(iter(one.get("enum", [""])))))
            for key, one in schema.get("properties", arguments if not schema else {}).items()
        }
        if schema
        else arguments
    )


@contextmanager
def running() -> Iterator[Model]:
    """Start the model's server on loopback."""
    model = Model()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            said = {"role": "assistant", "content": model.answer(asked["messages"])}
            usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
            choices = [{"index": 0, "message": said, "finish_reason": "stop"}]
            told = {"id": "x", "object": "chat.completion", "created": 0, "model": "scripted", "choices": choices}
            answer = json.dumps({**told, "usage": usage}).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    model.base_url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield model
    finally:
        server.shutdown()
        server.server_close()
