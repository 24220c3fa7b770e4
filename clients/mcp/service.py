"""The declaration of MCP servers, and the settings of their connections."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from clients.base_url import BaseUrl
from clients.reads import SERVER, Read
from clients.service import Key, Service, Setting

_ASKING = frozenset({"initialize", "notifications/initialized", "server/discover", "ping", "tools/list"})
_called_to_read: ContextVar[str | None] = ContextVar("called_to_read", default=None)


class McpSettings(BaseModel):
    """Settings of an MCP server that speaks streamable HTTP, under `connections.<name>` in config.yaml."""

    model_config = ConfigDict(extra="forbid")

    base_url: BaseUrl = Field("", description="The address of the server, such as https://example.com/mcp.")
    token: SecretStr = Field(SecretStr(""), description="Sent as `Bearer`.")


@dataclass(frozen=True)
class OfferedTool:
    """A tool as a server offers it; whatever it says is a claim of the server."""

    server: str
    told: Mapping[str, Any]
    """Its name, title, description, schemas and annotations, as JSON."""

    @property
    def name(self) -> str:
        """Its name at the server."""
        return str(self.told["name"])

    @property
    def hash(self) -> str:
        """`sha256:` of the server and all that it says of the tool."""
        text = json.dumps([self.server, self.told], sort_keys=True, separators=(",", ":"))
        return f"sha256:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


@contextmanager
def calling_to_read(tool: str) -> Iterator[None]:
    """Declare a call of this tool inside to be a read: a person has said so of the tool."""
    before = _called_to_read.set(tool)
    try:
        yield
    finally:
        _called_to_read.reset(before)


def only_asks(body: bytes) -> bool:
    """Return whether a message asks what the server has, or calls a tool that only reads."""
    method = method_of(body)
    return method in _ASKING or (method == "tools/call" and _tool_of(body) == _called_to_read.get())


def method_of(body: bytes) -> str:
    """Return the method of a JSON-RPC message, "" if it is none."""
    try:
        message = json.loads(body)
    except ValueError:
        return ""
    method = message.get("method") if isinstance(message, dict) else None
    return method if isinstance(method, str) else ""


def _tool_of(body: bytes) -> Any:
    params = json.loads(body).get("params")
    return params.get("name", "") if isinstance(params, dict) else ""


MCP = Service(
    name="mcp",
    title="MCP server",
    icon="handyman",
    settings=McpSettings,
    key=Key(
        setting="token",
        variable="MCP_TOKEN",
        place="the page of the server's operator",
        url="https://modelcontextprotocol.io",
        label="Access token",
    ),
    needs_key=False,
    beside_key=(Setting("base_url", "MCP_URL", "Address", "https://example.com/mcp"),),
    has_accounts=False,
    reads=(Read("POST", "/**", SERVER, body=only_asks, body_is="a question for tools, or a call of one that reads"),),
)
