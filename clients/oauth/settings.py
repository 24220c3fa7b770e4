"""The settings of a connection to a service that people sign in to."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from clients.base_url import BaseUrl


class SignInSettings(BaseModel):
    """Base of these settings; most connections use `token_file`."""

    model_config = ConfigDict(extra="forbid")

    token: SecretStr | None = Field(
        None, description="An access token, instead of a sign-in; it expires after a few hours."
    )
    token_file: Path | None = Field(None, description="The file with the sign-in. Signing in sets this.")
    base_url: BaseUrl = Field(description="The address of the API.")
