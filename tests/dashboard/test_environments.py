"""Environments on the pages: what a run there begins with, what is named, and what is asked before a deletion."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.base.remedies import with_pages
from engine.base.errors import InUse
from engine.orchestra import Orchestra
from tests.dashboard.conftest import OWNER
from tests.dashboard.test_run import words

Open = Callable[..., AppTest]


def greet(orchestra: Orchestra, known_etag: str | None, whom: str, count: int = 1) -> str:
    """Save the workflow `greet` with this default; return the etag of the file."""
    properties = {"whom": {"type": "string", "default": whom}, "count": {"type": "integer", "default": count}}
    document = {
        "schema_version": 1,
        "inputs": {"type": "object", "properties": properties},
        "steps": [{"id": "say", "uses": "flow.set", "with": {"values": {"text": "{{ inputs.whom }}"}}}],
    }
    return orchestra.workflows.save(OWNER, "greet", json.dumps(document), known_etag).etag


def promoted(orchestra: Orchestra) -> str:
    """Promote `greet` with the default "prod" to prod, then change it in dev; return the etag of the file."""
    orchestra.environments.init(OWNER)
    known = greet(orchestra, None, "prod")
    checked = orchestra.environments.check_promotion(OWNER, "greet", "dev", "prod")
    orchestra.environments.promote(OWNER, "greet", "dev", "prod", checked.hash)
    return greet(orchestra, known, "dev")


def in_prod(open_page: Open) -> AppTest:
    at = open_page("workflow", name="greet")
    at.segmented_control(key="environment-greet").set_value("prod").run()
    assert not at.exception
    return at


def of(kind: Any, label: str) -> Any:
    return next(one for one in kind if one.label == label)


def in_popovers(at: AppTest) -> set[str]:
    """Return the keys of the buttons that are seen only after a popover was opened."""
    return {str(button.key) for popover in at.main.get("popover") for button in popover.get("button")}


def test_a_changed_default_is_shown_and_what_was_typed_in_other_fields_stays(
    orchestra: Orchestra, open_page: Open
) -> None:
    known = greet(orchestra, None, "before")
    at = open_page("workflow", name="greet")
    of(at.number_input, "count").set_value(5).run()
    greet(orchestra, known, "after")
    at.run()
    assert of(at.text_input, "whom").value == "after"
    assert of(at.number_input, "count").value == 5


def test_a_run_in_an_environment_is_told_with_its_version_and_begins_with_its_defaults(
    orchestra: Orchestra, open_page: Open
) -> None:
    known = promoted(orchestra)
    text = orchestra.workflows.get(OWNER, "greet").text
    orchestra.drafts.keep(OWNER, "workflow", "greet", text.replace('"dev"', '"draft"'), known)
    assert "Run uses the saved file." in words(open_page("workflow", name="greet"))
    at = in_prod(open_page)
    assert "Run uses prod · version 1." in words(at)
    assert "the saved file" not in words(at)
    at.button(key="plan-greet").click().run()
    [plan] = orchestra.plans.list(OWNER)["plans"]
    orchestra.runs.wait(OWNER, plan["plan_id"], 60)
    assert "prod · version 1" in words(open_page("plan", id=plan["plan_id"]))
    assert "prod" in words(open_page("plans"))

    in_prod(open_page).button(key="run-greet").click().run()
    run_id = orchestra.runs.list(OWNER, environment="prod").rows[0].run_id
    assert orchestra.runs.wait(OWNER, run_id, 60)["inputs"] == {"whom": "prod", "count": 1}

    at = open_page("environments")
    assert "env-delete-prod" in in_popovers(at), "it asks first"
    assert "greet: version 1" in words(at)
    at.button(key="env-delete-prod").click().run()
    assert not at.exception
    assert orchestra.environments.names(OWNER) == ["dev"]


def test_deleting_a_branch_asks_first_and_says_whose_unsaved_text_goes_with_it(
    orchestra: Orchestra, open_page: Open
) -> None:
    greet(orchestra, None, "all")
    orchestra.branches.create(OWNER, "greet", "idea")
    file = orchestra.workflows.get(OWNER, "greet@idea")
    orchestra.drafts.keep(OWNER, "workflow", "greet@idea", file.text.replace("all", "draft"), file.etag)
    at = open_page("workflow", name="greet", tab="branches")
    assert "branch-delete-idea" in in_popovers(at)
    assert "Unsaved changes of owner move to the trash, too" in words(at)
    at.button(key="branch-delete-idea").click().run()
    assert not orchestra.branches.list(OWNER, "greet")


def test_deleting_a_workflow_says_whose_unsaved_text_goes_with_it(orchestra: Orchestra, open_page: Open) -> None:
    known = greet(orchestra, None, "all")

    def asked() -> str:
        at = open_page("workflow", name="greet")
        at.menu_button(key="menu-greet").click("Delete").run()
        assert not at.exception
        return words(at)

    assert "Unsaved changes" not in asked()
    text = orchestra.workflows.get(OWNER, "greet").text
    orchestra.drafts.keep(OWNER, "workflow", "greet", text.replace("all", "draft"), known)
    assert "Unsaved changes of owner move to the trash, too" in asked()


def test_what_to_do_first_reads_as_a_sentence_on_the_pages(orchestra: Orchestra) -> None:
    promoted(orchestra)
    with pytest.raises(InUse) as of_file:
        orchestra.workflows.delete(OWNER, "greet")
    assert with_pages(of_file.value.remedy) == (
        "First take it out there: Take it out on the tab Environments of the workflow."
    )
    with pytest.raises(InUse) as of_default:
        orchestra.environments.delete(OWNER, "dev")
    assert with_pages(of_default.value.remedy) == (
        "First choose another one: Make it the default on the page Environments."
    )
    orchestra.environments.move_triggers(OWNER, "greet", "prod")
    with pytest.raises(InUse) as of_triggers:
        orchestra.environments.delete(OWNER, "prod")
    assert with_pages(of_triggers.value.remedy) == (
        "First move them: Triggers on the tab Environments of the workflow."
    )
