"""A step with `allow` sends nothing but what is listed, whatever the text from outside says."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import InvalidInput, RecipientNotNamed, ValueNotAllowed
from engine.compiler.definition.plan import Action
from engine.orchestra import Orchestra
from engine.plugins.registry import step_type
from engine.record.types.approval import AskedCall
from engine.runner.call.arguments import require_allowed
from engine.runs.answers import require_edit
from tests.engine.conftest import OWNER, Service, get_step, post_step, write_workflow
from tests.patience import PATIENCE_SECONDS


def ran(orchestra: Orchestra, root: Path, service: Service, path: str, *, listed: list[str]) -> Any:
    """Run a workflow that reads an address from outside and writes there."""
    service.texts["/address"] = json.dumps({"next": service.url(path)})
    steps = [
        get_step("read", service.url("/address")),
        post_step("write", "{{ steps.read.output.json.next }}", allow={"url": [service.url(one) for one in listed]}),
    ]
    write_workflow(root, "work", steps)
    return orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "work", {}), PATIENCE_SECONDS)


@pytest.mark.parametrize("listed", [["/other", "/right"], ["/rig*"]])
def test_a_listed_value_is_sent(orchestra: Orchestra, root: Path, service: Service, listed: list[str]) -> None:
    run = ran(orchestra, root, service, "/right", listed=listed)
    assert run["status"] == "succeeded", run["error"]
    assert service.seen["/right"] == 1


def test_any_other_value_fails_the_step_and_nothing_is_sent(orchestra: Orchestra, root: Path, service: Service) -> None:
    run = ran(orchestra, root, service, "/wrong", listed=["/right", "/right/*"])
    assert run["status"] == "failed"
    error = run["error"]
    assert (error["type"], error["step"], error["outcome"]) == ("ValueNotAllowed", "write", "not_done")
    assert service.url("/wrong") in error["message"]
    assert "'allow'" in error["remedy"]
    assert service.seen["/wrong"] == 0
    assert run["steps"][1]["effect"] is None


def test_without_a_list_the_workflow_is_invalid(orchestra: Orchestra, root: Path, service: Service) -> None:
    write_workflow(
        root, "work", [get_step("read", service.url("/a")), post_step("write", "{{ steps.read.output.json.next }}")]
    )
    [problem] = [one for one in orchestra.workflows.get(OWNER, "work").problems if one.severity == "error"]
    assert (problem.code, problem.step, problem.field) == ("outside_destination", "write", "with.url")


def test_a_wrong_list_is_reported(orchestra: Orchestra, root: Path, service: Service) -> None:
    write_workflow(
        root, "work", [post_step("write", service.url("/a"), allow={"url": ["*"], "ulr": ["x"], "text": []})]
    )
    found = {str(one.field): one.message for one in orchestra.workflows.get(OWNER, "work").problems}
    assert "would allow everything" in found["allow.url.0"]
    assert "no field 'ulr'" in found["allow.ulr"]
    assert "lists nothing" in found["allow.text"]


def test_a_fixed_value_that_is_not_listed_is_reported_before_a_run(orchestra: Orchestra, root: Path) -> None:
    fields = {
        "to": ["Ann <ann@example.org>", "{{ inputs.who }}"],
        "cc": "mallory@evil.example",
        "bcc": ["bob@example.org", "mallory@evil.example"],
        "subject": "s",
        "text": "t",
    }
    step = {"id": "send", "uses": "gmail.send", "with": fields, "allow": {"to": ["*@example.org"]}}
    write_workflow(root, "work", [step])
    found = [one for one in orchestra.workflows.get(OWNER, "work").problems if one.code == "wrong_value"]
    assert [one.field for one in found] == ["with.cc", "with.bcc.1"]
    for problem, name in zip(found, ("cc", "bcc"), strict=True):
        error = ValueNotAllowed(name, "mallory@evil.example", ["*@example.org"])
        assert (f"{problem.message} Nothing was sent.", problem.remedy) == (error.message, error.remedy)
        assert problem.severity == "error"


MALLORY = "mallory@evil.example"
LISTED = {"to": ("*@example.org",)}
MAIL = {"subject": "s", "text": "t"}


@pytest.mark.parametrize("uses", ["gmail.send", "gmail.create_draft", "smtp.send"])
@pytest.mark.parametrize(
    ("given", "field"),
    [
        pytest.param({"to": MALLORY}, "to", id="to"),
        pytest.param({"to": "a@example.org", "cc": [MALLORY]}, "cc", id="cc"),
        pytest.param({"to": "a@example.org", "bcc": [MALLORY]}, "bcc", id="bcc"),
        pytest.param({"in_reply_to": "mail-of-mallory"}, "to", id="the sender of a mail"),
        pytest.param({"in_reply_to": "mail-of-mallory", "to": [" ", ""]}, "to", id="nobody but the sender of a mail"),
        pytest.param({"in_reply_to": "x", "to": "a@example.org", "cc": "b@example.org"}, None, id="all listed"),
    ],
)
def test_a_list_of_recipients_counts_for_all_of_them(uses: str, given: dict[str, Any], field: str | None) -> None:
    kind = step_type(uses)
    action = Action(uses, kind, None, {}, None, None, allow=LISTED)
    before = {**MAIL, "to": "a@example.org", **{name: given[name] for name in given if name == "in_reply_to"}}
    call = AskedCall(uses, "", None, "", "", "", "", before, {}, None, allow=LISTED)
    made = partial(asyncio.run, require_allowed(action, {**MAIL, **given}))
    if field is None:
        made()
        require_edit(call, {**MAIL, **given})
        return
    with pytest.raises((ValueNotAllowed, RecipientNotNamed)):
        made()
    with pytest.raises(InvalidInput) as caught:
        require_edit(call, {**MAIL, **given})
    assert caught.value.details["field"] == field
