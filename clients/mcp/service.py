"""The declaration of MCP servers, and the settings of their connections."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Self

from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from clients.base_url import BaseUrl
from clients.reads import SERVER, ReadRequest
from clients.reads_only import is_active
from clients.service import AccountKey, Service, Setting

_ASKING = frozenset({"initialize", "notifications/initialized", "server/discover", "ping", "tools/list"})
_called_to_read: ContextVar[str | None] = ContextVar("called_to_read", default=None)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?(?::\d{1,5})?\Z")


class ProgramLimits(BaseModel):
    """What a server that is a program may take in one conversation."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seconds: int = Field(60, ge=1, le=3_600)
    memory_mb: int = Field(512, ge=16, le=65_536)
    processes: int = Field(64, ge=8, le=4_096)
    disk_mb: int = Field(64, ge=1, le=16_384)
    output_kb: int = Field(4_096, ge=16, le=65_536)


class McpSettings(BaseModel):
    """Settings of an MCP server, under `connections.<name>` in config.yaml: one that speaks streamable HTTP has
    `base_url`, a program of this machine has `command`, which is run in the sandbox.
    """

    model_config = ConfigDict(extra="forbid")

    base_url: BaseUrl = Field("", description="The address of the server, such as https://example.com/mcp.")
    token: SecretStr = Field(SecretStr(""), description="Sent as `Bearer`.")
    command: str = Field("", max_length=1_000, description="Instead of an address: the program to start.")
    args: list[str] = Field([], max_length=100, description="Its arguments.")
    env: dict[str, SecretStr] = Field({}, description="Its environment; values such as `env:NAME` name secrets.")
    folders: list[str] = Field([], max_length=50, description="Files and folders that it may read.")
    network: list[str] = Field([], max_length=50, description="Hosts (`host` or `host:port`) that it may reach.")
    allow_hosts: list[str] = Field([], description="Those of them that may have private addresses.")
    limits: ProgramLimits = Field(ProgramLimits(), description="What it may use in one conversation.")

    @model_validator(mode="after")
    def _is_one_server(self) -> Self:
        if self.base_url and self.command:
            raise ValueError("a server has an address (`base_url` or the variable MCP_URL) or a command, not both")
        if not all(map(_VARIABLE.match, self.env)) or any("\0" in one.get_secret_value() for one in self.env.values()):
            raise ValueError("`env` has names such as API_KEY, and texts")
        if not all(map(_HOST.match, (*self.network, *self.allow_hosts))):
            raise ValueError("`network` and `allow_hosts` name hosts, such as api.example.org or api.example.org:8443")
        return self

    @property
    def server(self) -> str:
        """What a person accepts the tools of: an address, or a command with all that it may have."""
        if not self.command:
            return self.base_url
        return json.dumps([self.command, self.args, sorted(self.env), self.folders, self.network, self.allow_hosts])


class OfferedTool(Struct, frozen=True):
    """A tool as a server offers it; whatever it says is a claim of the server."""

    server: str
    told: Mapping[str, Any]
    """Its name, title, description, schemas and annotations, as JSON."""
    fault: str = ""
    """Why the protocol forbids calling it; empty if it does not."""

    @property
    def name(self) -> str:
        """Its name at the server; empty if it has none."""
        return named(self.told)

    @property
    def hash(self) -> str:
        """`sha256:` of the server and all that it says of the tool."""
        text = json.dumps([self.server, self.told], sort_keys=True, separators=(",", ":"))
        return f"sha256:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


def named(told: Mapping[str, Any]) -> str:
    """Return the name in what a server says of a tool, or ""."""
    name = told.get("name")
    return name if isinstance(name, str) else ""


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


def may_leave(body: bytes) -> bool:
    """Return whether a message may leave now: while a plan is made, what only asks, reads or answers."""
    method = method_of(body)
    # Without a method, it is an answer to the server.
    return not method or method.startswith("notifications/") or not is_active() or only_asks(body)


def is_call(body: bytes) -> bool:
    """Return whether a message calls a tool."""
    return method_of(body) == "tools/call"


def method_of(body: bytes) -> str:
    """Return the method of a JSON-RPC message, "" if it is not one."""
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
    key=AccountKey(
        setting="token",
        variable="MCP_TOKEN",
        place="the page of the server's operator",
        url="https://modelcontextprotocol.io",
        label="Access token",
    ),
    needs_key=False,
    offers_tools=True,
    beside_key=(Setting("base_url", "MCP_URL", "Address", "https://example.com/mcp"),),
    has_accounts=False,
    reads=(
        ReadRequest("POST", "/**", SERVER, body=only_asks, body_is="a question for tools, or a call of one that reads"),
    ),
)
