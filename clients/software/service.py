"""The declaration of the workspace's own projects; they need no connection and have no settings."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from clients.service import Service


class ProjectSettings(BaseModel):
    """Projects need no settings."""

    model_config = ConfigDict(extra="forbid")


PROJECT = Service(
    name="software",
    title="Projects",
    icon="deployed_code",
    settings=ProjectSettings,
    error_name="The project",
    needs_key=False,
    has_accounts=False,
    is_in_workspace=True,
)
