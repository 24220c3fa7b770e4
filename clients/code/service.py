"""Declares the service `code`, which runs the workspace's own code, and its settings in config.yaml."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from clients.service import Service

LanguageName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_+-]{0,30}$")]
Program = Annotated[str, StringConstraints(pattern=r"^/")]


class CodeSettings(BaseModel):
    """What code may take at most, whatever its step says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sandbox: Literal["auto", "bubblewrap", "docker", "monty"] = Field(
        "auto", description="What isolates code from this machine; `auto` takes the first one that is available."
    )
    docker_image: str = Field(
        "python:3.13-slim",
        description="The image that Docker runs code in; it is never downloaded automatically.",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._/:@-]{0,255}$",
    )
    interpreters: dict[LanguageName, Program] = Field(
        {}, description="Programs for more languages, or other programs for the usual ones."
    )
    allow_hosts: list[str] = Field(
        [], description="Hosts (`host` or `host:port`) that code may reach although their addresses are private."
    )
    seconds_most: int = Field(600, ge=1, le=3600)
    memory_mb_most: int = Field(2048, ge=64, le=65_536)
    processes_most: int = Field(256, ge=8, le=4096)
    disk_mb_most: int = Field(512, ge=1, le=16_384)
    output_kb_most: int = Field(16_384, ge=1, le=65_536)


CODE = Service(
    name="code",
    title="Code",
    icon="code_blocks",
    settings=CodeSettings,
    error_name="The code",
    needs_key=False,
    has_accounts=False,
    is_in_workspace=True,
    runs_code=True,
    link="File",
)
