"""Steps that list and make releases on GitHub, start its workflows, and call the rest of its API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from engine.step import (
    Call,
    Effect,
    Fields,
    JsonValue,
    Output,
    Receipt,
    Repeat,
    Written,
    changes_respected,
    content,
    destination,
    option,
    outside,
)
from engine.steps.github_repository import FindableWriting, Limited, Listing, Part, Repository, Writing

_READS = frozenset({"GET", "HEAD"})


class ReleaseText(Part):
    """A release as it is read."""

    id: int
    tag: str = outside("Tag")
    url: str
    title: str = outside("Title")
    body: str = outside("Body")
    draft: bool
    prerelease: bool
    author: str
    created_at: str
    published_at: str | None


class ListReleases(Listing):
    """Lists the releases of a repository, newest first."""

    name = "github.list_releases"
    title = "List releases"
    listed, of = "releases", ReleaseText
    fields = Limited

    def lister(self, client: Any) -> Any:
        """The releases."""
        return client.releases.listed


class CreateReleaseFields(Repository):
    """What the release says, and of which commit it is."""

    tag: str = destination("Tag", min_length=1, max_length=200)
    title: str = content("Title (empty: the tag)", "")
    body: str = content("Notes", "", widget="text")
    target: str = destination("Of branch or commit, where the tag is new (empty: the default branch)", "")
    draft: bool = option("As a draft", default=True)
    prerelease: bool = option("As a pre-release", default=False)


class CreateReleaseOutput(Output):
    """The release that was made."""

    id: int
    tag: str
    url: str
    draft: bool


class CreateRelease(FindableWriting):
    """Makes a release, as a draft unless told otherwise; it is found again by a hidden comment in its notes."""

    name = "github.create_release"
    title = "Make a release"
    fields = CreateReleaseFields
    output = CreateReleaseOutput

    def call(self, call: Call) -> JsonValue:
        """Make it."""
        asked = call.fields.model_dump(exclude={"repository"})
        return call.client.releases.create(call.fields.repository, asked, call.marker)

    def find(self, call: Call) -> JsonValue | None:
        """Look for it among the releases."""
        return call.client.releases.find(call.fields.repository, call.marker)

    undoes = "deletes the release"
    stays = "the tag, where it made one"

    def undo(self, call: Call, written: Written) -> None:
        """Delete it, unless its title or notes were changed."""
        it = call.fields
        with changes_respected():
            call.client.releases.remove(it.repository, written.output["id"], it.title or it.tag, it.body)


class DispatchFields(Repository):
    """Which workflow of GitHub Actions, and with what."""

    workflow: str = destination("File of the workflow, such as nightly.yml", min_length=1)
    ref: str = destination("Branch or tag", "main", min_length=1)
    inputs: dict[str, Any] = content("Inputs", {})


class DispatchOutput(Output):
    """The run that was started; empty where GitHub does not tell."""

    id: str
    url: str


class DispatchWorkflow(Writing):
    """Starts a workflow of GitHub Actions. Nobody can tell afterwards which run was ours: it is sent once."""

    name = "github.dispatch_workflow"
    title = "Start a workflow of GitHub Actions"
    repeat = Repeat.UNFINDABLE
    lasts = "What the workflow did is known there only."
    fields = DispatchFields
    output = DispatchOutput

    def call(self, call: Call) -> JsonValue:
        """Start it."""
        it = call.fields
        return call.client.releases.dispatch(it.repository, it.workflow, it.ref, it.inputs)


class RequestFields(Fields):
    """Any path of GitHub's REST API (https://docs.github.com/rest)."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = option("Method", "GET")
    path: str = destination("Path, such as /repos/acme/app/topics", min_length=2)
    query: dict[str, Any] = content("Query", {})
    json_body: Any = content("JSON body", None, alias="json")


class RequestOutput(Output):
    """What GitHub answered."""

    status: int
    json_body: Any = outside("JSON", alias="json")


class Request(Writing):
    """Calls any path of GitHub's REST API, on this connection's server only: GET reads, everything else writes."""

    name = "github.request"
    title = "Call GitHub's REST API"
    repeat = Repeat.UNFINDABLE
    lasts = "How to take back what a call of one's own did is not known here."
    fields = RequestFields
    output = RequestOutput

    def effect_of(self, arguments: Mapping[str, JsonValue]) -> tuple[Effect, Repeat | None]:
        """A read only where the method stands there and is GET."""
        if str(arguments.get("method", "GET")).upper() in _READS:
            return Effect.READS, None
        return Effect.WRITES, Repeat.UNFINDABLE

    def call(self, call: Call) -> JsonValue:
        """Give {status, json}."""
        it = call.fields
        return call.client.request(it.method, it.path, it.query, it.json_body)

    def target(self, fields: Any) -> str:
        """The repository that the path begins with."""
        parts = [part.lower() for part in str(fields.path).split("/")]
        return "/".join(parts[2:4]) if parts[1:2] == ["repos"] else ""

    def receipt(self, output: JsonValue) -> Receipt:
        """The address of what was made, where GitHub says one."""
        made = output["json"] if isinstance(output["json"], dict) else {}
        return Receipt(id=str(made.get("id") or output["status"]), url=str(made.get("html_url") or ""))

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Mapping[str, Any]) -> list[tuple[str, str]]:
        """No body where nothing is sent."""
        is_read = str(arguments.get("method", "GET")).upper() in _READS
        return (
            [("json", "GET sends no body: use query, or another method.")] if is_read and arguments.get("json") else []
        )
