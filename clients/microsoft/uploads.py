"""An upload in parts to an address that Graph gives for it: it goes on after a broken connection."""

from __future__ import annotations

from typing import Any, BinaryIO

import httpx

from clients.drives.parts import UploadProgress, UploadSession
from clients.error_mapping import of_broken_connection
from clients.errors import BadAnswer
from clients.microsoft.graph import Graph
from clients.service import Service

PART_BYTES = 10 * 320 * 1024
"""Microsoft asks for multiples of 320 KiB, and Outlook for at most 4 MB."""


def upload_in_parts(graph: Graph, service: Service, session: str, file: BinaryIO, size: int) -> Any:
    """Send a file to the address of a session; return what the answer to its last part says, {} if nothing."""

    def told(method: str, **more: Any) -> httpx.Response:
        # The address of the session is its own key: no token may go there.
        try:
            answer = graph.http.request(method, session, **more)
            if answer.status_code >= 300:
                raise graph.refusal(answer)
            return answer
        except Exception as error:
            raise of_broken_connection(service, error) from error

    def progress(answer: httpx.Response) -> UploadProgress:
        try:
            said = answer.json() if answer.content else {}
        except ValueError as error:
            raise of_broken_connection(service, error) from error
        if answer.status_code == httpx.codes.CREATED or "id" in said:  # the last part
            return UploadProgress(0, said)
        ranges = said.get("nextExpectedRanges")
        if not ranges:
            raise BadAnswer(f"{service.title} does not say which part it expects.", service=service.name)
        return UploadProgress(int(str(ranges[0]).partition("-")[0]))

    def put(offset: int, part: bytes, whole: int) -> UploadProgress:
        what = f"bytes {offset}-{offset + len(part) - 1}/{whole}"
        headers = {"Content-Range": what, "Content-Type": "application/octet-stream"}
        return progress(told("PUT", headers=headers, content=part))

    return UploadSession(service, PART_BYTES, put=put, state=lambda _: progress(told("GET"))).send(file, size)
