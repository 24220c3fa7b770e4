"""An MCP server that is a program: of the official package, or a bare one that does not behave."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

NAMES = ("say", "open", "connect", "start", "hang", "die", "flood", "environment", "write")


def done(name: str, given: dict[str, Any]) -> str:
    """Do what a tool does, and return what it says."""
    if name == "say":
        return f"said {given['words']}"
    if name == "open":
        return Path(given["path"]).read_text(encoding="utf-8")
    if name == "write":
        return str(Path(given["path"]).write_text("written", encoding="utf-8"))
    if name == "connect":
        with socket.create_connection((given["host"], given["port"]), timeout=5) as opened:
            return f"reached {opened.getpeername()[0]}"
    if name == "start":
        return str([subprocess.Popen(["sleep", given["seconds"]], start_new_session=True).pid for _ in range(3)])
    if name == "environment":
        return json.dumps(dict(os.environ))
    return _misbehaved(name)


def _misbehaved(name: str) -> str:
    if name == "hang":
        time.sleep(3600)
    if name == "flood":
        return "x" * 20_000_000
    os._exit(7)


def _said(name: str, given: dict[str, Any]) -> tuple[str, bool]:
    try:
        return done(name, given), False
    except Exception as error:  # noqa: BLE001 - each is an answer
        return f"{type(error).__name__}: {error}", True


def official() -> None:
    """Serve with the official package."""
    import anyio
    from mcp import types
    from mcp.server.lowlevel import Server
    from mcp.server.stdio import stdio_server

    async def listed(*_: object) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[types.Tool(name=one, input_schema={"type": "object"}) for one in NAMES])

    async def called(_: object, params: types.CallToolRequestParams) -> types.CallToolResult:
        text, is_error = _said(params.name, params.arguments or {})
        return types.CallToolResult(content=[types.TextContent(text=text)], is_error=is_error)

    async def serve() -> None:
        server: Server[Any] = Server("program", on_list_tools=listed, on_call_tool=called)
        async with stdio_server() as (reading, writing):
            await server.run(reading, writing, server.create_initialization_options())

    anyio.run(serve)


def bare(how: str) -> None:
    """Serve with nothing but Python, which starts in no time; `how` is what it does wrong at its start."""
    if how == "rubbish":
        sys.stdout.write('Welcome!\n{"not": "a message"}\n\n[1]\n\x00\xff\n')
    if how == "silent":
        time.sleep(3600)
    if how == "dead":
        sys.stderr.write("Cannot find module 'server'\n")
        sys.exit(1)
    names = [*NAMES, reached(how.removeprefix("reach ")) if how.startswith("reach ") else "nothing"]
    for line in sys.stdin:
        message = json.loads(line)
        if "id" in message:
            answer = {
                "jsonrpc": "2.0",
                "id": message["id"],
                **_answer(message["method"], message.get("params", {}), names),
            }
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()
        if how == "deaf" and message["method"] == "notifications/initialized":
            time.sleep(3600)  # it does not even read what it is told


def reached(place: str) -> str:
    """Return what the proxy of the sandbox answers to somebody who wants to reach a place."""
    with socket.create_connection(("127.0.0.1", 3128), timeout=20) as proxy:
        proxy.sendall(f"CONNECT {place} HTTP/1.1\r\n\r\n".encode())
        return proxy.recv(100).decode().split()[1]


def _answer(method: str, params: dict[str, Any], names: list[str]) -> dict[str, Any]:
    if method == "initialize":
        about = {"serverInfo": {"name": "bare", "version": "1"}, "capabilities": {"tools": {}}}
        return {"result": {"protocolVersion": params["protocolVersion"], **about}}
    if method == "tools/list":
        return {"result": {"tools": [{"name": one, "inputSchema": {"type": "object"}} for one in names]}}
    if method == "tools/call":
        text, is_error = _said(params["name"], params.get("arguments", {}))
        return {"result": {"content": [{"type": "text", "text": text}], "isError": is_error}}
    return {"error": {"code": -32601, "message": "Method not found"}}


if __name__ == "__main__":
    official() if sys.argv[1:] == ["official"] else bare("".join(sys.argv[1:]))
