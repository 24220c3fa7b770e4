"""Steps that give and take files: they join the engine's own step types while the tests of files run."""

from __future__ import annotations

import base64

from clients.http.request import WebRequest
from engine.base.run_file import FileContent, RunFile
from engine.plugins.step import Call, Effect, Fields, JsonValue, Output, Repeat, StepType, content, destination


class FetchFields(Fields):
    """Where the file is."""

    url: str = destination("Address", min_length=1)


class FetchOutput(Output):
    """The file."""

    file: RunFile


class Fetch(StepType):
    """Fetch a file."""

    name = "parcel.fetch"
    title = "Fetch a file"
    service = "http"
    effect = Effect.READS
    fields = FetchFields
    output = FetchOutput

    def call(self, call: Call) -> JsonValue:
        """Give the answer's text as a file, with bytes that no text has before it."""
        text = call.client.request(WebRequest("GET", call.fields.url))["text"]
        return {"file": FileContent(b"\xff\x00" + text.encode(), "scan.pdf", "application/pdf")}


class PostFields(Fields):
    """Where it goes, and what."""

    url: str = destination("Address", min_length=1)
    files: list[RunFile] = content("Files", [])
    cover: RunFile | None = content("Cover", None)


class PostOutput(Output):
    """How many there were."""

    id: str


class Post(StepType):
    """Post files."""

    name = "parcel.post"
    title = "Post files"
    service = "http"
    effect = Effect.WRITES
    repeat = Repeat.SAFE
    fields = PostFields
    output = PostOutput

    def call(self, call: Call) -> JsonValue:
        """Send name, media type and content of each."""
        it: PostFields = call.fields
        files = [*it.files, *([it.cover] if it.cover else [])]
        told = [[one.name, one.media_type, base64.b64encode(call.read(one)).decode()] for one in files]
        call.client.request(WebRequest("POST", it.url, json=told))
        return {"id": str(len(told))}
