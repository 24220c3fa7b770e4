"""What a workspace has, over HTTP: workflows, prompts, connections, step types."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.routes.catalog_documents import WrittenStepTypes
from engine.orchestra import Orchestra
from tests.api.conftest import LOCAL, PASSWORD, opened
from tests.engine.conftest import set_step, write_workflow


@pytest.fixture(scope="module")
def orchestra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orchestra]:
    with opened(tmp_path_factory.mktemp("api") / "workspace") as orchestra:
        yield orchestra


@pytest.fixture(scope="module")
def token(orchestra: Orchestra) -> str:
    orchestra.users.add(LOCAL, "ada", "Ada", "owner", PASSWORD)
    return str(orchestra.users.token("ada", PASSWORD))


@pytest.fixture
def program(client: TestClient, token: str) -> TestClient:
    """A caller with a token."""
    client.headers["Authorization"] = f"Bearer {token}"
    return client


def test_the_shipped_workflows_are_listed_without_problems(program: TestClient) -> None:
    rows = {row["name"]: row for row in program.get("/api/workflows").json()["workflows"]}
    assert set(rows) >= {"inbox-triage", "commit-digest", "reply-drafts", "issue-to-notion"}
    assert {row["problems"] for row in rows.values()} == {0}
    assert rows["inbox-triage"]["services"]


def test_a_workflow_comes_with_text_content_and_problems(program: TestClient) -> None:
    workflow = program.get("/api/workflows/inbox-triage").json()
    assert set(workflow) == {"name", "etag", "text", "document", "problems", "reach", "breaches"}
    assert {"source": "gmail", "to": "notion", "step": "each_mail.task"}.items() <= workflow["reach"][1].items()
    assert workflow["document"]["steps"]
    assert workflow["problems"] == []


def test_a_text_is_checked_and_not_saved(program: TestClient, orchestra: Orchestra) -> None:
    file: Path = orchestra.workspace.root / "workflows" / "inbox-triage.json"
    before = file.read_bytes()
    good = program.post("/api/workflows/inbox-triage/validate", json={"text": before.decode()})
    assert good.json() == {"valid": True, "problems": []}
    bad = program.post("/api/workflows/inbox-triage/validate", json={"text": "{\n  oops"}).json()
    assert bad["valid"] is False
    assert bad["problems"][0]["line"] == 2
    assert file.read_bytes() == before


@pytest.fixture
def chain(orchestra: Orchestra) -> Iterator[str]:
    """A workflow of two steps that is gone after the test, however it is called then."""
    folder = orchestra.workspace.root / "workflows"
    before = set(folder.iterdir())
    second = "{{ steps.first.output.value + 1 }}"
    steps = [set_step("first", {"value": 1}), set_step("second", {"value": second})]
    write_workflow(folder.parent, "chain", steps, outputs={"value": "{{ steps.second.output.value }}"})
    yield "/api/workflows/chain"
    for path in set(folder.iterdir()) - before:
        path.unlink()


def test_a_workflow_gets_another_name(program: TestClient, chain: str) -> None:
    answer = program.post(f"{chain}/rename", json={"new": "row"})
    assert (answer.status_code, answer.json()["name"], answer.json()["problems"]) == (200, "row", [])
    assert program.get(chain).status_code == 404


def test_a_step_gets_another_id_wherever_it_is_named(program: TestClient, chain: str) -> None:
    etag = program.get(chain).json()["etag"]
    answer = program.post(f"{chain}/rename-step", json={"old": "first", "new": "begin", "etag": etag})
    assert answer.status_code == 200
    steps = answer.json()["document"]["steps"]
    assert [step["id"] for step in steps] == ["begin", "second"]
    assert steps[1]["with"]["values"]["value"] == "{{ steps.begin.output.value + 1 }}"
    stale = program.post(f"{chain}/rename-step", json={"old": "begin", "new": "first", "etag": etag})
    assert (stale.status_code, stale.json()["error"]["type"]) == (409, "StaleEdit")


@pytest.mark.parametrize(
    ("what", "body", "status", "said"),
    [
        pytest.param("rename", {"new": "inbox-triage"}, 409, "InUse", id="the name is taken"),
        pytest.param("rename", {"new": "No name"}, 422, "InvalidInput", id="no name"),
        pytest.param("rename", {"new": "a", "newer": "b"}, 422, "InvalidInput", id="a key that is not known"),
        pytest.param("rename-step", {"old": "frist", "new": "x"}, 404, "UnknownName", id="no such step"),
        pytest.param("rename-step", {"old": "first", "new": "second"}, 409, "InUse", id="the id is taken"),
        pytest.param("rename-step", {"old": "first", "new": "No id"}, 422, "InvalidInput", id="no id"),
    ],
)
def test_a_new_name_that_cannot_be_is_refused(
    program: TestClient, chain: str, what: str, body: dict[str, str], status: int, said: str
) -> None:
    before = program.get(chain).json()
    answer = program.post(f"{chain}/{what}", json=body)
    assert (answer.status_code, answer.json()["error"]["type"]) == (status, said)
    assert program.get(chain).json() == before


def test_prompts_are_listed_and_shown_by_version(program: TestClient) -> None:
    [row, *_] = program.get("/api/prompts").json()["prompts"]
    prompt = program.get(f"/api/prompts/{row['name']}").json()
    assert prompt["document"]["messages"]
    assert prompt["versions"] == row["versions"]
    version = row["labels"]["production"]
    assert program.get(f"/api/prompts/{row['name']}?version={version}").json()["document"]["messages"]
    assert program.get(f"/api/prompts/{row['name']}?version=9999").status_code == 404


def test_connections_are_listed_without_a_secret(program: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_s3cr3t_s3cr3t_s3cr3t")
    answer = program.get("/api/connections")
    rows = {row["service"]: row for row in answer.json()["connections"]}
    assert set(rows) >= {"gmail", "github", "notion", "openai"}
    assert {row["mode"] for row in rows.values() if row["service"] != "http"} == {"demo"}
    assert "s3cr3t" not in answer.text


def test_step_types_are_listed_with_their_schemas(program: TestClient) -> None:
    rows = {row["name"]: row for row in program.get("/api/step-types").json()["step_types"]}
    issue: dict[str, Any] = rows["github.create_issue"]
    assert (issue["effect"], issue["repeat"]) == ("writes", "findable")
    assert "repository" in issue["fields_schema"]["properties"]


def test_step_types_are_found_by_what_a_step_should_do(program: TestClient) -> None:
    found = program.get("/api/step-types/fitting", params={"q": "add a step that posts a summary to Slack"}).json()
    assert found["names"][0] == "slack.send_message"
    assert program.get("/api/step-types/fitting", params={"q": "xyzzy"}).json() == {"names": []}
    assert program.get("/api/step-types/fitting", params={"q": "a" * 401}).status_code == 422


def test_the_answer_with_all_step_types_is_written_once_until_they_change(orchestra: Orchestra) -> None:
    answers, rows = WrittenStepTypes(), orchestra.step_types(LOCAL)
    first = answers.of(rows)
    assert answers.of(orchestra.step_types(LOCAL)) is first
    fewer = answers.of(rows[1:])
    assert [row["name"] for row in json.loads(fewer)["step_types"]] == [row.name for row in rows[1:]]
    assert answers.of(rows) == first
    again = orchestra.step_types(LOCAL)
    assert all(one is other for one, other in zip(rows, again, strict=True)), "no schema is made anew"


@pytest.mark.parametrize("path", ["/api/workflows/nope", "/api/prompts/nope"])
def test_what_is_not_there_is_said_so(program: TestClient, path: str) -> None:
    answer = program.get(path)
    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "UnknownName")
    assert answer.json()["error"]["remedy"]


@pytest.mark.parametrize("name", ["Inbox", "a b", "..%2fconfig", "con", "x" * 65])
def test_a_name_that_cannot_be_one_is_refused(program: TestClient, name: str) -> None:
    for things in ("workflows", "prompts"):
        answer = program.get(f"/api/{things}/{name}")
        assert answer.status_code in {404, 422}
        assert answer.json()["error"]["type"] in {"NotFound", "UnknownName", "InvalidInput"}


def test_only_a_sample_brings_connections_and_the_answer_names_them(program: TestClient) -> None:
    blank = program.post("/api/workflows", json={"name": "blank"})
    assert (blank.status_code, blank.json()["name"], "added_connections" in blank.json()) == (201, "blank", False)
    for name, added in (("meetings", ["google_calendar"]), ("more-meetings", [])):
        made = program.post("/api/workflows", json={"name": name, "sample": "meeting-from-mail"})
        assert (made.status_code, made.json()["added_connections"], made.json()["problems"]) == (201, added, [])
