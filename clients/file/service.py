"""The declaration of the files of the workspace, and the settings of a connection to another folder."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from clients.service import Service

OUTPUT = "files"
"""The folder that steps write in, unless a connection names another."""


class FileSettings(BaseModel):
    """Settings of a `file` connection, `connections.<name>` in config.yaml: another folder than the workspace."""

    model_config = ConfigDict(extra="forbid")

    folder: str = Field("", description="The folder to read, which may be outside the workspace; empty: the workspace.")
    output: str = Field(OUTPUT, description="The folder inside it that steps may write to.")


FILE = Service(
    name="file",
    title="Files",
    icon="folder_open",
    settings=FileSettings,
    error_name="The file system",
    needs_key=False,
    is_in_workspace=True,
    has_accounts=False,
    reads_strangers_files=True,
    pickers={"workspace-file": "paths"},
    link="File",
)
