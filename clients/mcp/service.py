"""The declaration of MCP servers, and the settings of their connections."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from clients.base_url import BaseUrl
from clients.reads import SERVER, Read
from clients.service import Key, Service, Setting

_ASKING = frozenset({"initialize", "notifications/initialized", "server/discover", "ping", "tools/list"})


class AcceptedTool(BaseModel):
    """What a person has said of a tool."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
    """The tool as it was shown to them: its server, name, description, schemas and annotations."""
    effect: Literal["reads", "writes"] = "writes"
    content: list[str] = []
    """The arguments that may hold text from outside."""


class McpSettings(BaseModel):
    """Settings of an MCP server that speaks streamable HTTP, under `connections.<name>` in config.yaml."""

    model_config = ConfigDict(extra="forbid")

    base_url: BaseUrl = Field("", description="The address of the server, such as https://example.com/mcp.")
    token: SecretStr = Field(SecretStr(""), description="Sent as `Bearer`.")
    tools: dict[str, AcceptedTool] = Field(
        default_factory=dict, description="The tools that a person has accepted; `connections tools` writes them."
    )


def only_asks(body: bytes) -> bool:
    """Return whether a message asks what the server has."""
    return method_of(body) in _ASKING


def method_of(body: bytes) -> str:
    """Return the method of a JSON-RPC message, "" if it is none."""
    try:
        message = json.loads(body)
    except ValueError:
        return ""
    method = message.get("method") if isinstance(message, dict) else None
    return method if isinstance(method, str) else ""


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
    reads=(Read("POST", "/**", SERVER, body=only_asks, body_is="a question what tools there are"),),
)
