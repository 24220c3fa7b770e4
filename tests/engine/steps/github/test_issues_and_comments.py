"""The GitHub steps on the real client and its stand-in: outputs, look-up, receipts, roles."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from msgspec.structs import replace
from pydantic import SecretStr, ValidationError

from clients.github.client import GitHubClient
from clients.github.service import GitHubSettings
from engine.plugins.step import Call, Effect, Repeat, StepType
from engine.steps.github.commits import ListCommits
from engine.steps.github.files import GetFile, PutFile
from engine.steps.github.issues_and_comments import Comment, CreateIssue, GetIssue, ListIssues

if TYPE_CHECKING:
    from tests.conftest import StandIns

REPOSITORY = "acme/app"
STEPS: list[StepType] = [CreateIssue(), Comment(), GetIssue(), ListIssues(), ListCommits(), GetFile(), PutFile()]
ARGUMENTS: dict[str, dict[str, Any]] = {
    "github.create_issue": {"repository": REPOSITORY, "title": "Title", "body": "Body", "labels": ["bug"]},
    "github.comment": {"repository": REPOSITORY, "issue": 1, "body": "Body"},
    "github.get_issue": {"repository": REPOSITORY, "issue": 1},
    "github.list_issues": {"repository": REPOSITORY, "state": "all", "limit": 3},
    "github.list_commits": {"repository": REPOSITORY, "since": "2020-01-01T00:00:00Z"},
    "github.get_file": {"repository": REPOSITORY, "path": "README.md"},
    "github.put_file": {"repository": REPOSITORY, "path": "new.md", "text": "Text", "message": "Add"},
}
every_step = pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
every_write = pytest.mark.parametrize(
    "step", [step for step in STEPS if step.effect is Effect.WRITES], ids=lambda step: step.name
)


@pytest.fixture
def call(standins: StandIns, http: httpx.Client) -> Call:
    endpoint = standins["github"]
    settings = GitHubSettings(token=SecretStr(endpoint.token), base_url=endpoint.base_url)
    now = datetime.now(UTC)
    client = GitHubClient(settings, http)
    return Call(fields=None, client=client, marker="m" * 32, intended_at=now, started_at=now)


def filled(step: StepType, call: Call, **more: Any) -> Call:
    return replace(call, fields=step.fields.model_validate({**ARGUMENTS[step.name], **more}))


@every_write
def test_a_write_is_not_found_before_and_found_after_it(step: StepType, call: Call) -> None:
    asked = filled(step, call)
    assert step.repeat is Repeat.FINDABLE
    assert step.find(asked) is None
    output = step.call(asked)
    assert step.find(asked) == output
    assert step.find(replace(asked, marker="n" * 32)) is None


def test_a_file_without_a_change_has_a_receipt_too(call: Call) -> None:
    step = PutFile()
    step.call(filled(step, call))
    output = step.call(filled(step, call))
    assert (output["changed"], step.receipt(output).id) == (False, output["sha"])


@every_write
def test_writes_to_one_repository_have_one_target(step: StepType, call: Call) -> None:
    upper = filled(step, call, repository="Acme/App")
    assert step.target(upper.fields) == step.target(filled(step, call).fields) != ""


@every_step
def test_where_it_goes_and_what_comes_from_outside_is_declared(step: StepType) -> None:
    fields = step.fields.model_json_schema()["properties"]
    assert fields["repository"]["role"] == "destination"
    assert fields["repository"]["format"] == "github-repository"
    assert all("role" in field and "title" in field for field in fields.values())
    assert step.title
    assert step.__doc__


@pytest.mark.parametrize(
    ("step", "texts"),
    [
        (CreateIssue(), {"title", "url"}),
        (GetIssue(), {"title", "body", "labels", "author", "assignees", "url"}),
        (GetFile(), {"text", "url"}),
    ],
    ids=lambda value: value.name if isinstance(value, StepType) else "",
)
def test_texts_that_people_wrote_are_marked_as_from_outside(step: StepType, texts: set[str]) -> None:
    properties = step.output_schema({}, {})["properties"]
    assert {name for name, schema in properties.items() if schema.get("outside")} == texts


@pytest.mark.parametrize(
    ("step", "wrong"),
    [
        (CreateIssue(), {"title": ""}),
        (CreateIssue(), {"repository": ""}),
        (CreateIssue(), {"assignee": "me"}),
        (Comment(), {"issue": 0}),
        (ListIssues(), {"state": "new"}),
        (ListIssues(), {"limit": 0}),
        (ListCommits(), {"since": "2026-01-31T00:00:00"}),
    ],
)
def test_wrong_fields_are_refused(step: StepType, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        step.fields.model_validate({**ARGUMENTS[step.name], **wrong})
