"""The step that reads a web page."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from clients.errors import InvalidRequest
from clients.http.fetching import DocumentVersion, FetchedDocument
from clients.http.request import SERVICE
from clients.mail.charsets import body_text
from engine.plugins.step import Call, Effect, Fields, JsonValue, Output, StepType, destination, option, outside
from engine.sandbox.web import PageFormat, page

PAGE_BYTES = 10_485_760
_HTML = frozenset({"", "text/html", "application/xhtml+xml"})  # a server may name no type
_NO_TEXT = "The page has no text that people see; it may be written by scripts."
_CUT = "The page is too long: its end is not in the text."
_TEXTUAL = ("json", "xml", "javascript", "yaml", "csv")


class PageFields(Fields):
    """The page, and which part of it."""

    url: str = destination("Address", min_length=1)
    selector: str = option("Only what this CSS selector matches (empty: the main part)", "", max_length=500)
    format: Literal["markdown", "text"] = option("Format", "markdown")


class WebPage(Output):
    """The page as people read it; `markdown` keeps headings, lists, tables and links."""

    status: int
    url: str = outside("Address that answered")
    title: str = outside("Title")
    text: str = outside("Text")
    truncated: bool
    """Whether it has more than 1,000,000 characters, or not all of its HTML was read."""


class Read(StepType):
    """Read the text of a web page, without menus, scripts and hidden parts."""

    name = "web.read"
    title = "Read a web page"
    service = "http"
    connection_optional: ClassVar[bool] = True
    effect = Effect.READS
    fields = PageFields
    output = WebPage

    def call(self, call: Call) -> JsonValue:
        """Return {status, url, title, text, truncated}."""
        it: PageFields = call.fields
        fetched = call.client.fetch(it.url, PAGE_BYTES, DocumentVersion())
        read = text_of(fetched, it.selector, it.format)
        if not read["text"] and fetched.content:
            call.notes.append(_NO_TEXT)
        call.notes += [_CUT] * read["truncated"] + [read["note"]] * bool(read["note"])
        facts = {name: read[name] for name in ("title", "text", "truncated")}
        return {"status": fetched.status, "url": fetched.url, **facts}


def text_of(fetched: FetchedDocument, selector: str, form: PageFormat) -> dict[str, Any]:
    """Return {title, text, truncated, found, note} of a page; `note` is a sentence on its charset, or empty.

    Raises InvalidRequest: it is not text, or the selector fits nothing.
    """
    if fetched.media_type not in _HTML:
        return _plain(fetched, selector)
    read = page(fetched.content, fetched.content_type, fetched.url, selector, form)
    if selector and not read["found"]:
        raise InvalidRequest(
            f"The selector {selector!r} fits nothing on {fetched.url}.",
            service=SERVICE,
            remedy="Correct `selector`, or leave it out: the page may have changed, or be written by scripts.",
        )
    return read


def _plain(fetched: FetchedDocument, selector: str) -> dict[str, Any]:
    """Return a document that is not HTML, as it is."""
    kind = fetched.media_type
    if not (kind.startswith("text/") or any(word in kind for word in _TEXTUAL)) or selector:
        raise InvalidRequest(
            f"{fetched.url} is not a web page, but {kind}.",
            service=SERVICE,
            remedy="Leave out `selector`, or get the answer as it is with `http.request` (`as_file` for files).",
        )
    text, note = body_text(fetched.content, fetched.content_type)
    return {"title": "", "text": text[:1_000_000], "truncated": len(text) > 1_000_000, "found": 1, "note": note}
