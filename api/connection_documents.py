"""The JSON of `/api/connections`: accounts and keys, sign-ins, checks, and accounts that refuse."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field, JsonValue

from api.documents import Sent


class TroubleView(BaseModel):
    """An account that refuses what workflows need: what is the matter, and which button or command makes it good."""

    connection: str
    mode: Literal["demo", "mine"]
    service: str
    kind: Literal["revoked", "reduced", "refused"]
    account: str
    since: str
    workflows: list[str]
    sentence: str
    remedy: str


class Troubles(BaseModel):
    """All of them."""

    troubles: list[TroubleView]


class SignInFactsView(BaseModel):
    """What is known of a sign-in without asking anybody."""

    account: str
    owner: str
    scopes: list[str]
    consented_at: str
    ends_at: str
    note: str
    warns: bool


class ConnectionRow(BaseModel):
    """A connection, without anything secret: which service, and whose account it touches."""

    name: str
    service: str
    mode: Literal["demo", "mine"]
    account: str
    ready: bool
    note: str
    owner: str
    own_key_found: bool
    own_key_source: str
    sign_in: SignInFactsView | None
    trouble: TroubleView | None


class ConnectionRows(BaseModel):
    """All connections."""

    connections: list[ConnectionRow]


class CheckLineView(BaseModel):
    """One line of a check: what was tried, whether it works, and a sentence with what to do where it does not."""

    what: str
    ok: bool
    text: str


class CheckView(BaseModel):
    """What works of a connection, and what does not."""

    ok: bool
    lines: list[CheckLineView]


class NewConnection(Sent):
    """The service of a connection and its settings; secrets among them are sealed and kept."""

    service: str = Field(min_length=1, max_length=64, examples=["github"])
    settings: dict[str, JsonValue] = Field(default_factory=dict, examples=[{"token": "env:GITHUB_TOKEN"}])


class NewKey(Sent):
    """A key of one's own, and settings that stand beside it."""

    key: str = Field(default="", max_length=10_000, json_schema_extra={"format": "password"})
    beside: dict[str, str] = Field(default_factory=dict, examples=[{"model": "llama3.2"}])


class ModeChoice(Sent):
    """Whose account a service means."""

    mode: Literal["demo", "mine"]


class ClientSecret(Sent):
    """The content of the JSON file that Google's console gives for a desktop app."""

    client_secret: dict[str, JsonValue]


class BroughtBack(Sent):
    """Where a browser on another machine ended: the address of a page at 127.0.0.1 that did not open there."""

    address: str = Field(min_length=1, max_length=5_000)


class SignInView(BaseModel):
    """A sign-in that was begun: where the person goes on with it, or how it ended."""

    state: Literal["waiting", "done", "failed"]
    address: str
    message: str = ""
    remedy: str = ""


class LocalServerView(BaseModel):
    """A model server that answers on this machine; `command` makes it a connection."""

    kind: str
    base_url: str
    models: list[str]
    command: str


class LocalServers(BaseModel):
    """Those that answer; none is used by itself."""

    servers: list[LocalServerView]
