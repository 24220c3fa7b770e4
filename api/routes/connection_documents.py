"""The JSON of `/api/connections`: accounts, keys, sign-ins, checks, and accounts that stopped working."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field, JsonValue

from api.base.documents import RequestBody
from api.base.models import model_of
from clients.check_line import CheckLine
from engine.base.statuses import AccountMode
from engine.connections.local_models import LocalServer, ServedModel


class TroubleView(BaseModel):
    """An account that workflows need and that does not work: what is wrong, and the button or command that fixes it."""

    connection: str
    mode: AccountMode
    service: str
    kind: Literal["revoked", "reduced", "refused"]
    account: str
    since: str
    workflows: list[str]
    sentence: str
    remedy: str


class TroubleRows(BaseModel):
    """All accounts that do not work."""

    troubles: list[TroubleView]


class SignInFactsView(BaseModel):
    """What is known of a sign-in without asking the service."""

    account: str
    owner: str
    scopes: list[str]
    consented_at: str
    ends_at: str
    note: str
    warns: bool


class ConnectionRow(BaseModel):
    """A connection without its secrets: which service it means, and whose account it uses."""

    name: str
    service: str
    mode: AccountMode
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


class FieldChoices(BaseModel):
    """What a field may name, as an account has it."""

    choices: list[str]


class CheckView(BaseModel):
    """What works, and what does not."""

    ok: bool
    lines: list[CheckLine]


class NewConnection(RequestBody):
    """The service of a connection and its settings; secrets among them are stored sealed."""

    service: str = Field(min_length=1, max_length=64, examples=["github"])
    settings: dict[str, JsonValue] = Field(default_factory=dict, examples=[{"token": "env:GITHUB_TOKEN"}])


class NewKey(RequestBody):
    """Your own key, and the settings that belong to it."""

    key: str = Field(default="", max_length=10_000, json_schema_extra={"format": "password"})
    beside: dict[str, str] = Field(default_factory=dict, examples=[{"model": "llama3.2"}])


class ModeChoice(RequestBody):
    """Whose account a service uses."""

    mode: AccountMode = Field(strict=False)


class ClientSecret(RequestBody):
    """The content of the JSON file that Google's console provides for a desktop app."""

    client_secret: dict[str, JsonValue]
    service: str = Field(
        "", max_length=100, description="The service of a new connection; default: the one with its name."
    )


class BroughtBack(RequestBody):
    """The address at which a browser on another machine ended: a page at 127.0.0.1 that did not open there."""

    address: str = Field(min_length=1, max_length=5_000)


class SignInView(BaseModel):
    """A sign-in under way: where the person continues it, or how it ended."""

    state: Literal["waiting", "done", "failed"]
    address: str
    message: str = ""
    remedy: str = ""


@model_of(ServedModel)
class ServedModelView(BaseModel):
    """A model of a server, as far as the server describes it."""


@model_of(LocalServer)
class LocalServerView(BaseModel):
    """A model server found on this machine; `command` makes it a connection."""

    models: list[ServedModelView]


class LocalServers(BaseModel):
    """The model servers that were found; none is used automatically."""

    servers: list[LocalServerView]


class ModelToFetch(RequestBody):
    """A model, and where it comes from."""

    source: str = Field(
        min_length=1,
        max_length=2_000,
        description="The address of an Ollama that `/api/local-models` lists, or a service that runs models on this"
        " machine.",
        examples=["http://127.0.0.1:11434/v1", "local_model"],
    )
    model: str = Field(min_length=1, max_length=200, examples=["llama3.2:3b"])


class ModelFetchView(BaseModel):
    """A model on its way to this machine, or how its fetch ended; `whole_bytes` is 0 as long as nobody knows."""

    source: str
    model: str
    state: Literal["fetching", "done", "failed", "cancelled"]
    arrived_bytes: int
    whole_bytes: int
    message: str = ""
    remedy: str = ""
