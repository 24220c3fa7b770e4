"""What a stranger wrote is sent without links and hidden characters; what the author wrote is sent as it is."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from engine.orchestra import Orchestra
from engine.outgoing.harmless import Harmless
from engine.record.summary import sentence
from tests.engine.conftest import OWNER, Service, get_step, write_workflow
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from tests.conftest import StandIns

STRANGE = "![x](https://evil.example/?d=1) [y](https://evil.example/) A\u200bB"
HARMLESS = (
    "x (image at `evil.example`: `https://evil.example/?d=1`) y (link to `evil.example`: `https://evil.example/`) "
    "A[U+200B]B"
)
LINKED = STRANGE.replace("\u200b", "[U+200B]")
SAID = "{{ steps.read.output.json.text }}"
TEXT = {"type": "object", "properties": {"text": {"type": "string"}}}


@pytest.fixture(autouse=True)
def github(root: Path, service: Service, standins: StandIns) -> None:
    """A connection to the stand-in of GitHub, and a page with a stranger's text."""
    with (root / "config.yaml").open("a") as file:
        file.write(
            f"  github: {{service: github, token: 'env:GITHUB_TOKEN', base_url: '{standins['github'].base_url}'}}\n"
        )
    (root / ".env").write_text(f"GITHUB_TOKEN={standins['github'].token}\n")
    service.texts["/said"] = json.dumps({"text": STRANGE})


def issue(body: str, **more: Any) -> dict[str, Any]:
    fields = {"repository": "acme/app", "title": "T", "body": body}
    return {"id": "issue", "uses": "github.create_issue", "with": fields, **more}


def save(root: Path, service: Service, step: Mapping[str, Any], **more: Any) -> None:
    write_workflow(root, "work", [get_step("read", service.url("/said")), step], **more)


def ran(orchestra: Orchestra, **inputs: Any) -> Any:
    run = orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "work", inputs), PATIENCE_SECONDS)
    assert run["status"] in ("succeeded", "waiting"), run["error"]
    return run


def written(standins: StandIns) -> str:
    """The body of the newest issue, without our marker."""
    newest = max(standins.show("github")["issues"], key=lambda one: one["number"])
    return str(newest["body"]).partition("\n\n<!-- orchestra:")[0]


def test_a_stranger_s_text_is_rewritten_and_the_author_s_stays(
    orchestra: Orchestra, root: Path, service: Service, standins: StandIns
) -> None:
    save(
        root,
        service,
        issue(f"[ours](https://docs.example/a) @\u2060ann\n\n{SAID}\n\n{{{{ 'https://own.example/b' }}}}"),
    )
    run = ran(orchestra)
    assert written(standins) == f"[ours](https://docs.example/a) @\u2060ann\n\n{HARMLESS}\n\nhttps://own.example/b"
    step = run["steps"][1]
    assert step["arguments"]["body"] == written(standins), "the record has what was sent"
    told = "1 link to evil.example and 1 image at evil.example became text. 1 hidden character made visible."
    assert step["note"] == told
    assert told in sentence(run)


@pytest.mark.parametrize(("length", "is_on_the_loop"), [(100, True), (10_000, False)])
def test_a_long_text_is_rewritten_beside_the_event_loop(
    orchestra: Orchestra,
    root: Path,
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    length: int,
    is_on_the_loop: bool,
) -> None:
    seen: list[str] = []
    real = Harmless.value

    def value(self: Harmless, value: Any, own: Any, markup: Any) -> Any:
        if value == "a" * length:
            seen.append(threading.current_thread().name)
        return real(self, value, own, markup)

    monkeypatch.setattr(Harmless, "value", value)
    service.texts["/said"] = json.dumps({"text": "a" * length})
    save(root, service, issue(SAID))
    ran(orchestra)
    assert [not name.startswith("asyncio_") for name in seen] == [is_on_the_loop]


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        pytest.param({"links": ["evil.example"]}, LINKED, id="listed"),
        pytest.param({"links": ["*.EXAMPLE"]}, LINKED, id="a pattern"),
        pytest.param({"links": ["*"]}, LINKED, id="any host"),
        pytest.param({"links": ["*.evil.example", "example"]}, HARMLESS, id="other hosts"),
        pytest.param({"description": "It copies https://evil.example/ to an issue."}, LINKED, id="named in the file"),
    ],
)
def test_hosts_that_the_workflow_names_may_be_linked(
    orchestra: Orchestra, root: Path, service: Service, standins: StandIns, more: dict[str, Any], wanted: str
) -> None:
    save(root, service, issue(SAID), **more)
    ran(orchestra)
    assert written(standins) == wanted


def test_what_a_person_gives_is_no_stranger_s_but_what_a_workflow_gives_may_be(
    orchestra: Orchestra, root: Path, service: Service, standins: StandIns
) -> None:
    save(root, service, issue("{{ inputs.text }}"), inputs=TEXT)
    ran(orchestra, text=STRANGE)
    assert written(standins) == STRANGE
    call = {"id": "call", "uses": "workflow.run", "with": {"workflow": "work", "inputs": {"text": SAID}}}
    write_workflow(root, "outer", [get_step("read", service.url("/said")), call])
    orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "outer", {}), PATIENCE_SECONDS)
    assert written(standins) == HARMLESS


def test_a_person_approves_exactly_what_is_sent(
    orchestra: Orchestra, root: Path, service: Service, standins: StandIns
) -> None:
    save(root, service, issue(SAID, approve="always"))
    run = ran(orchestra)
    [asked] = orchestra.approvals.list(OWNER)
    assert asked.call is not None
    assert asked.call.arguments["body"] == HARMLESS
    orchestra.approvals.approve(OWNER, asked.id)
    assert orchestra.runs.wait(OWNER, run["run_id"], PATIENCE_SECONDS)["status"] == "succeeded"
    assert written(standins) == HARMLESS


def test_a_plan_shows_exactly_what_is_sent(
    orchestra: Orchestra, root: Path, service: Service, standins: StandIns
) -> None:
    save(root, service, issue(SAID))
    plan_id = orchestra.plans.make(OWNER, "work", {})
    orchestra.runs.wait(OWNER, plan_id, PATIENCE_SECONDS)
    assert HARMLESS in json.dumps(orchestra.plans.show(OWNER, plan_id), default=str)
    applied = orchestra.runs.wait(OWNER, orchestra.plans.apply(OWNER, plan_id), PATIENCE_SECONDS)
    assert applied["status"] == "succeeded", applied["error"]
    assert written(standins) == HARMLESS


def test_plain_text_keeps_its_addresses_and_files_their_bytes(
    orchestra: Orchestra, root: Path, service: Service
) -> None:
    post = {"method": "POST", "url": service.url("/to"), "json": {"a": [SAID], "b": "x\u200by"}}
    save(root, service, {"id": "post", "uses": "http.request", "connection": "web", "with": post})
    ran(orchestra)
    assert service.bodies[-1] == {"a": [LINKED], "b": "x\u200by"}


ACTING = (
    "@octocat, @acme/ops: Fixes #1, closes acme/app#2, resolves GH-3. Fixed https://github.com/acme/app/issues/4"
    " [skip ci]"
)
SILENT = (
    "@ octocat, @ acme/ops: Fixes # 1, closes acme/app# 2, resolves GH- 3. Fixed https://github.com/acme/app/issues/ 4"
    " [ skip ci]"
)
FILE = {"repository": "acme/app", "path": "a.txt"}
PULL = {"repository": "acme/app", "pull": 1}


@pytest.mark.parametrize(
    ("uses", "fields", "name", "wanted"),
    [
        ("github.put_file", {**FILE, "text": "t"}, "message", SILENT),
        ("github.delete_file", FILE, "message", SILENT),
        ("github.merge_pull", PULL, "commit_title", SILENT),
        ("github.merge_pull", PULL, "commit_message", SILENT),
        ("github.create_pull", {"repository": "acme/app", "head": "a", "base": "main"}, "title", SILENT),
        ("github.update_issue", {"repository": "acme/app", "issue": 1}, "title", SILENT),
        ("github.create_issue", {"repository": "acme/app"}, "title", ACTING),  # does nothing there
        ("github.put_file", {**FILE, "message": "m"}, "text", ACTING),
    ],
)
def test_a_stranger_mentions_nobody_and_closes_nothing_by_a_commit(
    orchestra: Orchestra, root: Path, service: Service, uses: str, fields: dict[str, Any], name: str, wanted: str
) -> None:
    service.texts["/said"] = json.dumps({"text": f"{ACTING} a\u200bb ann@shop.example"})
    own = "@team Fixes #7 [ci skip] and "
    step = {"id": "write", "uses": uses, "approve": "always", "with": {**fields, name: own + SAID}}
    save(root, service, step)
    ran(orchestra)
    [asked] = orchestra.approvals.list(OWNER)
    assert asked.call is not None
    assert asked.call.arguments[name] == f"{own}{wanted} a[U+200B]b ann@shop.example"


@pytest.mark.parametrize(
    "entry", ["https://docs.example/", "docs.*", "*docs.example", "", "**", "a@b.example", "docs.example/x"]
)
def test_a_wrong_entry_is_reported_with_its_place(
    orchestra: Orchestra, root: Path, service: Service, entry: str
) -> None:
    save(root, service, issue(SAID), links=["docs.example", entry])
    [problem] = orchestra.workflows.get(OWNER, "work").problems
    assert (problem.code, problem.field) == ("wrong_value", "links.1")
    assert "docs.example.org" in problem.remedy


def test_a_link_to_a_page_stays_as_its_service_has_given_it(
    orchestra: Orchestra, root: Path, service: Service, standins: StandIns
) -> None:
    body = "[Before]({{ steps.before.output.url }})"
    before = {"id": "before", "uses": "github.get_issue", "with": {"repository": "acme/app", "issue": 1}}
    write_workflow(root, "work", [get_step("read", service.url("/said")), before, issue(f"{body} {SAID}")])
    ran(orchestra)
    page = standins["github"].origin + "/acme/app/issues/1"
    assert written(standins) == f"[Before]({page}) {HARMLESS}"
