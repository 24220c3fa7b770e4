"""The step that calls an HTTP service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from clients.http.pages import Pagination as Pages
from clients.http.request import READS, FileUpload, WebRequest
from engine.base.run_file import FileContent, RunFile
from engine.plugins.step import (
    Call,
    Effect,
    Fields,
    JsonValue,
    Output,
    Prompts,
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
    """How to read a list page by page; names inside the JSON are joined by dots."""

    items: str = destination("Where the items are in the JSON; empty: the JSON is the list", "")
    next: str = destination("Where the next page's address or cursor is; empty: the Link header", "")
    cursor: str = destination("Query parameter that takes the cursor; empty: it is an address", "")
    pages: int = option("Maximum pages", 10, ge=1, le=100)


class RequestFields(Fields):
    """The fields of `http.request`.

    `paging` is `{items, next, cursor, pages}`. `items`: where the entries are in the JSON. `next`: where the next
    page's address or cursor is (default: the `Link` header). `cursor`: the query parameter for the cursor (default:
    `next` is an address). `pages`: the most pages to read (10). Names are joined by dots. The output has `items`, and
    `has_more` if pages are left.
    """

    method: Method = destination("Method", "GET")
    url: str = destination("Address", min_length=1)
    headers: dict[str, str] = destination("Headers", {})
    query: dict[str, JsonValue] = content("Query", {})
    json_body: Any = content("JSON body", None, alias="json")
    text: str | None = content("Text body", None, widget="text")
    form: dict[str, JsonValue] | None = content("Form", None)
    files: dict[str, RunFile] = content("Files of the form", {})
    file: RunFile | None = content("File as the body", None)
    paging: Paging | None = option("Read a list page by page", None)
    as_file: bool = option("Keep the answer as a file", default=False)
    max_bytes: int = option("Maximum size of the answer, in bytes", 10_485_760, ge=1, le=52_428_800)
    idempotency_header: str = destination(
        "Header that tells the service that a request is repeated", "", pattern=r"^[A-Za-z0-9-]*$"
    )


class RequestOutput(Output):
    """The response; `json` is a list if the body is JSON lines, and null if it is not JSON, whatever the server says.
    `left_out` says what was not read, or not as the server says. `items` and `has_more` belong to a list that was read
    page by page.
    """

    status: int
    headers: dict[str, str] = outside("Headers")
    json_body: Any = outside("JSON", None, alias="json")
    text: str = outside("Text", "")
    url: str = outside("Address that answered")
    file: RunFile | None = None
    items: list[Any] = outside("Items", [])
    pages: int = 1
    has_more: bool = False
    left_out: list[str] = outside("What was not read", [])


_NEXT = "The answer is one page of several: `paging` reads the others, too."


class Request(StepType):
    """Call an HTTP service: GET and HEAD read, other methods write."""

    name = "http.request"
    title = "Call an HTTP service"
    makes = ("a page of a server",)
    is_tool = True
    service = "http"
    connection_optional: ClassVar[bool] = True
    effect = Effect.WRITES
    repeat = Repeat.UNFINDABLE
    volatile = frozenset({"headers", "has_more"})
    approval = "always"
    fields = RequestFields
    output = RequestOutput

    lasts = "Only the other service knows how to undo what it did."

    def effect_of(self, arguments: Mapping[str, JsonValue]) -> tuple[Effect, Repeat | None]:
        """Return a read only for a constant GET or HEAD; a write is safe if the service recognizes repeats."""
        if str(arguments.get("method", "GET")).upper() in READS:
            return Effect.READS, None
        return Effect.WRITES, Repeat.SAFE if arguments.get("idempotency_header") else Repeat.UNFINDABLE

    def call(self, call: Call) -> JsonValue:
        """Return {status, headers, json, text, url, file, items, pages, has_more, left_out}."""
        it: RequestFields = call.fields
        nothing = RequestOutput(status=0, headers={}, url="").model_dump(by_alias=True)
        if it.paging is not None:
            found = call.client.pages(_wanted(call), Pages(**it.paging.model_dump()))
            call.notes += [f"There are more pages than the {found['pages']} read."] * found["has_more"]
            call.notes += found["left_out"]
            return {**nothing, **found}
        if it.as_file:
            facts, body, name, media_type = call.client.download(_wanted(call))
            return {**nothing, **facts, "file": FileContent(body, name, media_type)}
        found = call.client.request(_wanted(call))
        call.notes += found["left_out"]
        call.notes += [_NEXT] if 'rel="next"' in found["headers"].get("link", "") else []
        return {**nothing, **found}

    def target(self, fields: Any) -> str:
        """Serialize writes to the same host."""
        try:
            return str(urlsplit(fields.url).netloc.lower())
        except ValueError:  # not an address: the call itself reports that
            return ""

    def receipt(self, output: JsonValue) -> Receipt:
        """Return the address of the created object, if the service returns one."""
        return Receipt(id=str(output["status"]), url=str(output["headers"].get("location", "")))

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> list[tuple[str, str]]:
        """Reject more than one body, a body that is not sent, and a list that is a write or a file."""
        bodies = [name for name in _BODIES if arguments.get(name) is not None]
        reads = str(arguments.get("method", "GET")).upper() in READS
        if len(bodies) > 1:
            return [(bodies[1], f"Give `{bodies[0]}` or `{bodies[1]}`, not both.")]
        if arguments.get("files") and bodies not in ([], ["form"]):
            return [("files", f"Files are parts of a form: give them with form, or {bodies[0]} alone.")]
        if reads and (bodies or arguments.get("files")):
            return [(bodies[0] if bodies else "files", "GET and HEAD send no body: use query, or another method.")]
        if arguments.get("paging") and (not reads or arguments.get("as_file")):
            return [("paging", "Only a GET reads a list page by page, and it returns items, not a file.")]
        return []


def _wanted(call: Call) -> WebRequest:
    it: RequestFields = call.fields
    headers = dict(it.headers)
    if it.idempotency_header and call.marker:
        headers[it.idempotency_header] = call.marker
    return WebRequest(
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


def _upload(call: Call, file: RunFile) -> FileUpload:
    return FileUpload(file.name, call.read(file), file.media_type)
