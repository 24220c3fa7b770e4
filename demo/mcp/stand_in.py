"""An MCP server, made with the official package, over a list of customers: a tool that reads, and one that writes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from demo.call import StandInCall, page_routes
from demo.page import escaped, frame, table
from demo.store import Store

if TYPE_CHECKING:
    from mcp import types
    from mcp.server.lowlevel import Server

TOKEN = "demo-mcp-token"  # noqa: S105 - the same for everybody, good for loopback only
_PEOPLE = (
    ("C-1001", "Hannah Weiss", "hannah.weiss@bluepeak.example", "Business"),
    ("C-1002", "Mei Chen", "mei.chen@papertrail.example", "Free"),
    ("C-1003", "Karin Lund", "karin.lund@havn.example", "Business"),
)
_TEXT = {"type": "string"}
_TOOLS: tuple[dict[str, Any], ...] = (
    {
        "name": "find_customer",
        "title": "Find a customer",
        "description": "Finds the customer with a mail address, and the notes about them.",
        "input_schema": {
            "type": "object",
            "properties": {"email": {**_TEXT, "title": "Mail address"}},
            "required": ["email"],
        },
        "output_schema": {
            "type": "object",
            "properties": {
                "found": {"type": "boolean"},
                "id": _TEXT,
                "name": _TEXT,
                "plan": _TEXT,
                "notes": {"type": "array", "items": _TEXT},
            },
            "required": ["found", "id", "name", "plan", "notes"],
        },
        "annotations": {"readOnlyHint": True},
    },
    {
        "name": "add_note",
        "title": "Add a note",
        "description": "Adds a note to a customer.",
        "input_schema": {
            "type": "object",
            "properties": {
                "customer": {**_TEXT, "title": "Id of the customer"},
                "text": {**_TEXT, "title": "Note", "minLength": 1},
            },
            "required": ["customer", "text"],
        },
        "output_schema": {"type": "object", "properties": {"note": {"type": "integer"}}, "required": ["note"]},
        "annotations": {"readOnlyHint": False, "idempotentHint": False},
    },
)


def ERROR(status: int, message: str) -> dict[str, Any]:  # noqa: N802 - the name the stand-ins share
    """Return an error as servers of MCP write it."""
    return {"jsonrpc": "2.0", "id": None, "error": {"code": -32000, "message": f"{status}: {message}"}}


def seed(store: Store) -> None:
    """Create three customers, and a note about one."""
    for key, name, email, plan in _PEOPLE:
        store.put("mcp/customers", key, {"id": key, "name": name, "email": email, "plan": plan})
    _add_note(store, {"customer": "C-1001", "text": "Prefers to be called in the morning."})


def show(store: Store) -> dict[str, Any]:
    """Return customers and notes."""
    return {"customers": store.all("mcp/customers"), "notes": store.all("mcp/notes")}


def routes(store: Store) -> list[Route]:
    """Return the address of the server, and a page with the customers."""

    async def answer(request: Request) -> Response:
        return _Answer(store, await request.body())

    return [Route("/", answer, methods=["POST"]), *page_routes(store, [("/", _page)])]


# A response, because the package writes to `send` itself, and a route must return one.
class _Answer(Response):
    """The server's answer to one message; nothing is kept for the next one."""

    def __init__(self, store: Store, body: bytes) -> None:
        super().__init__()
        self._store, self._unread = store, [body]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager  # takes half a second
        from mcp.server.transport_security import TransportSecuritySettings

        async def again() -> Message:
            return {"type": "http.request", "body": self._unread.pop()} if self._unread else await receive()

        open_ = TransportSecuritySettings(enable_dns_rebinding_protection=False)  # the token is checked, on loopback
        manager = StreamableHTTPSessionManager(
            _server(self._store), stateless=True, json_response=True, security_settings=open_
        )
        async with manager.run():
            await manager.handle_request(scope, again, send)


def _server(store: Store) -> Server[Any]:
    from mcp import types
    from mcp.server.lowlevel import Server

    async def listed(_: Any, __: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[types.Tool.model_validate(one) for one in _TOOLS])

    async def called(_: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        with store.transaction():
            return _called(store, params.name, params.arguments or {})

    return Server("customers", on_list_tools=listed, on_call_tool=called)


def _called(store: Store, name: str, arguments: dict[str, Any]) -> types.CallToolResult:
    from mcp import types

    try:
        found = {"find_customer": _find, "add_note": _add_note}[name](store, arguments)
    except KeyError as error:
        said = types.TextContent(text=f"There is no {error.args[0]!r}.")
        # A tool's failure is a result, which a model can read, not an error of the protocol.
        return types.CallToolResult(content=[said], is_error=True)
    # Also as text, for clients that know no structured content (https://modelcontextprotocol.io/specification/, Tools).
    text = types.TextContent(text=json.dumps(found, ensure_ascii=False))
    return types.CallToolResult(content=[text], structured_content=found)


def _find(store: Store, arguments: dict[str, Any]) -> dict[str, Any]:
    wanted = str(arguments["email"]).casefold()
    for one in store.all("mcp/customers"):
        if one["email"] == wanted:
            notes = [note["text"] for note in store.all("mcp/notes") if note["customer"] == one["id"]]
            return {"found": True, "id": one["id"], "name": one["name"], "plan": one["plan"], "notes": notes}
    return {"found": False, "id": "", "name": "", "plan": "", "notes": []}


def _add_note(store: Store, arguments: dict[str, Any]) -> dict[str, Any]:
    customer = str(arguments["customer"])
    if store.get("mcp/customers", customer) is None:
        raise KeyError(customer)
    number = store.next_number("mcp/notes")
    store.put("mcp/notes", f"{number:06d}", {"note": number, "customer": customer, "text": str(arguments["text"])})
    return {"note": number}


def _page(call: StandInCall) -> str:
    """Return a page with the customers and their notes."""
    notes = call.store.all("mcp/notes")
    rows = []
    for one in call.store.all("mcp/customers"):
        own = "<br>".join(escaped(note["text"]) for note in notes if note["customer"] == one["id"])
        rows.append([*(escaped(one[part]) for part in ("id", "name", "email", "plan")), own])
    shown = table(["Id", "Name", "Mail address", "Plan", "Notes"], rows)
    return frame("Customers", f"<h1>Customers</h1>{shown}", "MCP server")
