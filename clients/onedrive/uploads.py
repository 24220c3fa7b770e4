"""One upload to OneDrive: in one request, or in parts.

https://learn.microsoft.com/graph/api/driveitem-createuploadsession
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from clients.microsoft import uploads
from clients.microsoft.graph import Graph
from clients.onedrive.service import ONEDRIVE


class OneDriveUpload:
    """An upload to one address, where nothing may be yet."""

    def __init__(self, graph: Graph, url: str) -> None:
        self._graph, self._url = graph, url

    def sent(self, source: Path) -> dict[str, Any]:
        """Send a file; return the item. Raises Conflict if there is one already."""
        size = source.stat().st_size
        return dict(self._at_once(source) if size <= uploads.PART_BYTES else self._in_parts(source, size))

    def _at_once(self, source: Path) -> Any:
        url = f"{self._url}:/content?@microsoft.graph.conflictBehavior=fail"
        headers = {"Content-Type": "application/octet-stream"}
        return self._graph.asked("PUT", url, headers=headers, content=source.read_bytes())

    def _in_parts(self, source: Path, size: int) -> Any:
        asked = {"item": {"@microsoft.graph.conflictBehavior": "fail"}}
        session = self._graph.asked("POST", f"{self._url}:/createUploadSession", json=asked)["uploadUrl"]
        with source.open("rb") as file:
            return uploads.upload_in_parts(self._graph, ONEDRIVE, session, file, size)
