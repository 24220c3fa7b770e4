"""The step that calls any HTTP service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from clients.http import READS, Wanted
from clients.http import Paging as Pages
from clients.http.request import Upload
from engine.run_file import FileContent, RunFile
from engine.step import (
    Call,
    Effect,
    Fields,
    JsonValue,
    Output,
    Receipt,
    Repeat,
    StepType,
    content,
    destination,
    option,
    outside,
)

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
_BODIES = ("json", "text", "form", "file")


class Paging(Fields):
    """How a list goes on; names inside the JSON are joined by dots."""

    items: str = option("Where the items stand in the JSON; empty: it is the list", "")
    next: str = option("Where the next page's address or cursor stands; empty: the Link header", "")
    cursor: str = option("Query parameter that takes the cursor; empty: it is an address", "")
    pages: int = option("Pages at most", 10, ge=1, le=100)


class RequestFields(Fields):
    """What `http.request` takes.

    `paging` is `{items, next, cursor, pages}`: where in the JSON the items stand, and where the next page's address or
    cursor (names joined by dots; no `next`: the `Link` header); which query parameter takes the cursor (none: `next` is
    an address); and how many pages are read at most (10). It gives `items`, and `has_more` where some were left.
    """

    method: Method = option("Method", "GET")
    url: str = destination("Address", min_length=1)
    headers: dict[str, str] = option("Headers", {})
    query: dict[str, Any] = content("Query", {})
    json_body: Any = content("JSON body", None, alias="json")
    text: str | None = content("Text body", None, widget="text")
    form: dict[str, Any] | None = content("Form", None)
    files: dict[str, RunFile] = content("Files of the form", {})
    file: RunFile | None = content("File as the body", None)
    paging: Paging | None = option("Read a list page by page", None)
    as_file: bool = option("Keep the answer as a file", default=False)
    max_bytes: int = option("Largest answer, in bytes", 10_485_760, ge=1, le=52_428_800)
    idempotency_header: str = option("Header by which the service knows a repeat", "", pattern=r"^[A-Za-z0-9-]*$")


class RequestOutput(Output):
    """What the server answered; `items` and `has_more` are of a list that was read page by page."""

    status: int
    headers: dict[str, str] = outside("Headers")
    json_body: Any = outside("JSON", None, alias="json")
    text: str = outside("Text", "")
    url: str = outside("Address that answered")
    file: RunFile | None = None
    items: list[Any] = outside("Items", [])
    pages: int = 1
    has_more: bool = False


class Request(StepType):
    """Call an HTTP service: GET and HEAD read, everything else writes."""

    name = "http.request"
    title = "Call an HTTP service"
    service = "http"
    connection_optional: ClassVar[bool] = True
    effect = Effect.WRITES
    repeat = Repeat.UNFINDABLE
    fields = RequestFields
    output = RequestOutput

    lasts = "How to take back what another service did is known there only."

    def effect_of(self, arguments: Mapping[str, JsonValue]) -> tuple[Effect, Repeat | None]:
        """A read only where the method stands there and is GET or HEAD; safe where the service knows a repeat."""
        if str(arguments.get("method", "GET")).upper() in READS:
            return Effect.READS, None
        return Effect.WRITES, Repeat.SAFE if arguments.get("idempotency_header") else Repeat.UNFINDABLE

    def call(self, call: Call) -> JsonValue:
        """Give {status, headers, json, text, url, file, items, pages, has_more}."""
        it: RequestFields = call.fields
        nothing = RequestOutput(status=0, headers={}, url="").model_dump(by_alias=True)
        if it.paging is not None:
            return {**nothing, **call.client.pages(_wanted(call), Pages(**it.paging.model_dump()))}
        if it.as_file:
            facts, body, name, media_type = call.client.download(_wanted(call))
            return {**nothing, **facts, "file": FileContent(body, name, media_type)}
        return {**nothing, **call.client.request(_wanted(call))}

    def target(self, fields: Any) -> str:
        """Writes to one host go one at a time."""
        try:
            return str(urlsplit(fields.url).netloc.lower())
        except ValueError:  # no address: the call itself says so
            return ""

    def receipt(self, output: JsonValue) -> Receipt:
        """The service's own address of what was made, where it says one."""
        return Receipt(id=str(output["status"]), url=str(output["headers"].get("location", "")))

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Mapping[str, Any]) -> list[tuple[str, str]]:
        """One body at most, and none where nothing is sent; a list is read, and is no file."""
        bodies = [name for name in _BODIES if arguments.get(name) is not None]
        reads = str(arguments.get("method", "GET")).upper() in READS
        if len(bodies) > 1:
            return [(bodies[1], f"Give {bodies[0]} or {bodies[1]}, not both.")]
        if arguments.get("files") and bodies not in ([], ["form"]):
            return [("files", f"Files are parts of a form: give them with form, or {bodies[0]} alone.")]
        if reads and (bodies or arguments.get("files")):
            return [(bodies[0] if bodies else "files", "GET and HEAD send no body: use query, or another method.")]
        if arguments.get("paging") and (not reads or arguments.get("as_file")):
            return [("paging", "Only a GET reads a list page by page, and it gives items, no file.")]
        return []


def _wanted(call: Call) -> Wanted:
    it: RequestFields = call.fields
    headers = dict(it.headers)
    if it.idempotency_header and call.marker:
        headers[it.idempotency_header] = call.marker
    return Wanted(
        it.method,
        it.url,
        headers,
        it.query,
        json=it.json_body,
        text=it.text,
        form=it.form,
        files={name: _upload(call, file) for name, file in it.files.items()},
        file=None if it.file is None else _upload(call, it.file),
        most_bytes=it.max_bytes,
    )


def _upload(call: Call, file: RunFile) -> Upload:
    return Upload(file.name, call.read(file), file.media_type)
