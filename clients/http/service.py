"""The declaration of any server by HTTP, and the settings of its connections."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from clients.reads import ANYWHERE, ReadRequest
from clients.service import Service


class HttpSettings(BaseModel):
    """Settings of an `http` connection, `connections.<name>` in config.yaml.

    `token` (Bearer, RFC 6750), or `user` and `password` (Basic, RFC 7617), `headers`, and `query`, parameters added to
    the address: all are sent only to `allow_hosts` (`host` or `host:port`), which may be private addresses.
    """

    model_config = ConfigDict(extra="forbid")

    token: SecretStr = Field(SecretStr(""), description="Sent as `Bearer`.")
    user: str = Field("", description="Sent with `password`, instead of a token.")
    password: SecretStr = SecretStr("")
    headers: dict[str, SecretStr] = Field(default_factory=dict, description="Headers of every request.")
    query: dict[str, SecretStr] = Field(default_factory=dict, description="Parameters added to the address.")
    allow_hosts: list[str] = Field(
        default_factory=list,
        description="The hosts (`host` or `host:port`) that receive these credentials, and that may be private "
        "addresses.",
    )

    @model_validator(mode="after")
    def _one_authorization(self) -> Self:
        ways = [
            bool(self.token.get_secret_value()),
            bool(self.user),
            any(name.lower() == "authorization" for name in self.headers),
        ]
        if sum(ways) > 1:
            raise ValueError("give only one of token, user with password, and a header Authorization")
        return self


HTTP = Service(
    name="http",
    title="HTTP",
    icon="public",
    settings=HttpSettings,
    error_name="The server",
    needs_key=False,
    reads=(ReadRequest("GET", "/**", ANYWHERE), ReadRequest("HEAD", "/**", ANYWHERE)),
    has_accounts=False,
)
