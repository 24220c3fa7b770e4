"""The declaration of the collections of the workspace; they need no connection and have no settings."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from clients.service import Service


class RagSettings(BaseModel):
    """The collections of the workspace need no settings."""

    model_config = ConfigDict(extra="forbid")


RAG = Service(
    name="rag",
    title="Document collections",
    icon="library_books",
    settings=RagSettings,
    error_name="The collection",
    needs_key=False,
    has_accounts=False,
    is_in_workspace=True,
    shared_file="collection-",
    demo_file="demo-collection-",
)
