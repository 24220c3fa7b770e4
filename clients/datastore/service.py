"""The declaration of the workspace's own tables; they need no connection and have no settings."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from clients.service import Service


class StoreSettings(BaseModel):
    """The tables of the workspace need no settings."""

    model_config = ConfigDict(extra="forbid")


STORE = Service(
    name="datastore",
    title="Workspace tables",
    icon="table",
    settings=StoreSettings,
    error_name="The table",
    needs_key=False,
    has_accounts=False,
    is_in_workspace=True,
    shared_file="tables.db",
    demo_file="tables-demo.db",
)
