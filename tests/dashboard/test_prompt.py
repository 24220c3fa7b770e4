from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.parts.tabs import tab_name
from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.patience import PATIENCE_SECONDS

Open = Callable[..., AppTest]
OWNER = Principal("owner", "owner")
OTHER = Principal("ada", "editor")
NAME = "classify-mail"


def words(at: AppTest) -> str:
    elements = [*at.markdown, *at.caption, *at.error, *at.warning, *at.info, *at.success, *at.text, *at.code]
    return "\n".join(str(one.value) for one in elements)


def field(at: AppTest, label: str) -> Any:
    return next(one for one in [*at.text_area, *at.text_input] if one.label == label)


def marked(at: AppTest) -> list[str]:
    """Return the messages that the Try tab shows, with the values of variables in brackets."""
    bodies = [str(one.proto.body) for one in at.get("html") if 'class="marked"' in str(one.proto.body)]
    shown = [re.sub(r"<mark [^>]*>(.*?)</mark>", r"[\1]", body, flags=re.DOTALL) for body in bodies]
    return [unescape(re.sub(r"</?div[^>]*>", "", body)) for body in shown]


def draft(orchestra: Orchestra) -> dict[str, Any]:
    document = orchestra.prompts.get(OWNER, NAME).document
    assert document is not None
    return document


@pytest.fixture
def tab(open_page: Open) -> Callable[..., AppTest]:
    """Open one tab of the prompt, with what was typed on the others still there."""

    def tab(which: str, at: AppTest | None = None) -> AppTest:
        at = at or open_page("prompt", name=NAME)
        at.query_params["tab"] = tab_name(which)
        return at.run()

    return tab


def test_the_list_names_every_prompt_with_its_label(open_page: Open) -> None:
    at = open_page("prompts")
    assert not at.exception
    assert "Sorts a mail into task" in words(at)
    assert sum("production" in str(one.value) for one in at.markdown) == 4
    assert "used by Answer mail, Reply drafts" in [one.value for one in at.caption]


def test_what_is_typed_is_saved_and_nothing_else_changes(orchestra: Orchestra, open_page: Open) -> None:
    before = draft(orchestra)
    at = open_page("prompt", name=NAME)
    assert not at.exception
    assert "Not saved yet." not in words(at)
    field(at, "Text of message 1").set_value("You sort mail.\nBe short.").run()
    assert "Not saved yet." in words(at)
    at.button(key=f"save-{NAME}").click().run()
    after = draft(orchestra)
    assert after["messages"][0]["content"] == ["You sort mail.", "Be short."]
    assert {**after, "messages": []} == {**before, "messages": []}
    assert after["messages"][1] == before["messages"][1]
    assert "Not saved yet." not in words(at)

    at.button(key=f"add-message-{NAME}").click().run()
    field(at, "Text of message 3").set_value("Answer in English.").run()
    at.button(key=f"save-{NAME}").click().run()
    assert [one["role"] for one in draft(orchestra)["messages"]] == ["system", "user", "user"]
    remove = next(one for one in at.button if str(one.key).startswith("remove-") and str(one.key).endswith("-2"))
    remove.click().run()
    at.button(key=f"save-{NAME}").click().run()
    assert len(draft(orchestra)["messages"]) == 2

    field(at, "Title").set_value("Sort a mail").run()
    at.button(key=f"mode-{NAME}").click().run()
    area = field(at, "Prompt (JSON)")
    assert '"title": "Sort a mail"' in area.value
    area.set_value(area.value.replace("Sort a mail", "Sort one mail")).run()
    at.button(key=f"save-{NAME}").click().run()
    assert draft(orchestra)["title"] == "Sort one mail"


def test_problems_name_their_line_and_are_told_beside_the_button_what_is_no_json_is_not_saved(open_page: Open) -> None:
    at = open_page("prompt", name=NAME)
    field(at, "Text of message 2").set_value("{{ text }} {{ oops }} {{ other }}").run()
    assert any("Line" in str(one.value) and "oops" in str(one.value) for one in at.error)
    at.button(key=f"save-{NAME}").click().run()
    saved = [str(one.value) for one in at.warning if "Saved, with 2 problems" in str(one.value)]
    assert len(saved) == 1
    assert "oops" in saved[0]
    assert [one.icon for one in at.toast] == [":material/warning:"]
    field(at, "Text of message 2").set_value("{{ text }}").run()
    at.button(key=f"save-{NAME}").click().run()
    assert "Saved, with" not in words(at)
    field(at, "Parameters (JSON)").set_value('{"temperature": }').run()
    assert "Parameters is not JSON" in words(at).replace("\\", "")
    assert at.button(key=f"save-{NAME}").disabled


def test_somebody_else_s_save_is_shown_and_neither_text_is_lost(orchestra: Orchestra, open_page: Open) -> None:
    at = open_page("prompt", name=NAME)
    field(at, "Description").set_value("Mine.").run()
    file = orchestra.prompts.get(OWNER, NAME)
    theirs = json.dumps({**(file.document or {}), "description": "Theirs."}, indent=2)
    orchestra.prompts.save(OTHER, NAME, theirs, file.etag)
    at.button(key=f"save-{NAME}").click().run()
    assert draft(orchestra)["description"] == "Theirs."
    assert "Somebody has saved this prompt" in words(at)
    assert '-  "description": "Theirs.",' in words(at)
    assert field(at, "Description").value == "Mine."
    at.button(key=f"theirs-{NAME}").click().run()
    assert field(at, "Description").value == "Theirs."


def test_a_version_is_saved_and_is_what_workflows_use(orchestra: Orchestra, open_page: Open) -> None:
    at = open_page("prompt", name=NAME)
    field(at, "Text of message 1").set_value("Say unsure to every mail.").run()
    at.button(key=f"save-version-{NAME}").click().run()  # workflows keep the version that they have
    file = orchestra.prompts.get(OWNER, NAME)
    assert (file.versions, file.labels) == ([1, 2], {"production": 1})
    at.button(key=f"save-and-use-{NAME}").click().run()
    assert not at.exception
    file = orchestra.prompts.get(OWNER, NAME)
    assert file.labels == {"production": file.versions[-1]}
    rendered = orchestra.prompts.render(OWNER, f"{NAME}@production", {"subject": "a", "text": "b"})
    assert rendered.messages[0]["content"] == "Say unsure to every mail."


def test_what_is_typed_is_shown_with_the_values_of_a_sample(orchestra: Orchestra, tab: Callable[..., AppTest]) -> None:
    at = tab("Edit")
    field(at, "Text of message 2").set_value("Mail: {{ subject }} / {{ text }}").run()
    at = tab("Try", at)
    assert not at.exception
    at.selectbox(key=f"sample-{NAME}.1").set_value("sample:A question").run()
    assert marked(at)[1] == "Mail: [Your prices] / [Could you send us an offer for 20 seats by Friday?]"
    assert "tokens" in words(at)
    field(at, "Subject").set_value("{{ text }} ![x](http://192.0.2.1)").run()
    assert marked(at)[1].startswith("Mail: [{{ text }} ![x](http://192.0.2.1)] /")
    field(at, "Subject").set_value("<img src=http://192.0.2.1>&amp;</mark>").run()
    assert marked(at)[1].startswith("Mail: [<img src=http://192.0.2.1>&amp;</mark>] /")
    assert draft(orchestra)["messages"][1]["content"] != ["Mail: {{ subject }} / {{ text }}"]


def test_an_old_version_is_compared_and_made_production_again(
    orchestra: Orchestra, tab: Callable[..., AppTest]
) -> None:
    file = orchestra.prompts.get(OWNER, NAME)
    changed = json.dumps({**(file.document or {}), "description": "Second."})
    orchestra.prompts.save_version(OWNER, NAME, changed, file.etag, "production")
    at = tab("Versions")
    assert at.selectbox(key=f"version-{NAME}").options == ["Version 2 (production)", "Version 1"]
    assert "Both texts are the same." in words(at)
    at.selectbox(key=f"version-{NAME}").select(1).run()
    assert "<ins>Second</ins>" in "".join(str(one.proto.body) for one in at.get("html"))
    at.button(key=f"label-{NAME}").click().run()
    assert orchestra.prompts.get(OWNER, NAME).labels == {"production": 1}
    assert "Somebody has saved" not in words(at)


def test_a_refused_move_of_a_protected_label_is_tested_and_made(
    orchestra: Orchestra, tab: Callable[..., AppTest]
) -> None:
    file = orchestra.prompts.get(OWNER, NAME)
    changed = json.dumps({**(file.document or {}), "description": "Second."})
    orchestra.prompts.save_version(OWNER, NAME, changed, file.etag, None)
    orchestra.prompts.protect(OWNER, NAME, "production")
    at = tab("Versions")
    at.button(key=f"label-{NAME}").click().run()
    assert "is protected" in words(at)
    assert orchestra.prompts.get(OWNER, NAME).labels == {"production": 1}
    at.button(key=f"test-version-{NAME}").click().run()
    orchestra.case_tests.wait(OWNER, NAME, PATIENCE_SECONDS)
    orchestra.cases.add(OWNER, NAME, {"name": "A new case"})
    at.run()
    at.button(key=f"move-tested-{NAME}").click().run()
    assert "a-new-case fails or has no recorded answer" in words(at).replace("\\", "").replace(":color[]", "")
    orchestra.cases.delete(OWNER, NAME, "a-new-case")
    at.button(key=f"test-version-{NAME}").click().run()
    orchestra.case_tests.wait(OWNER, NAME, PATIENCE_SECONDS)
    at.run()
    at.button(key=f"move-tested-{NAME}").click().run()
    assert not at.exception
    assert orchestra.prompts.get(OWNER, NAME).labels == {"production": 2}
    assert "20 cases passed with the demo's model" in words(at).replace("\\", "")


def test_a_viewer_reads_a_prompt_and_changes_nothing(
    orchestra: Orchestra, sign_in: Callable[..., str], open_page: Open
) -> None:
    orchestra.users.add(OWNER, "vera", "Vera", "viewer", "a long password 1")
    sign_in("vera")
    at = open_page("prompt", name=NAME)
    assert not at.exception
    assert not at.text_area
    assert not any(str(one.key).startswith("save-") and NAME in str(one.key) for one in at.button)


def test_a_damaged_prompt_is_edited_as_json(workspace: Path, open_page: Open) -> None:
    (workspace / "prompts" / f"{NAME}.json").write_text('{"messages": [', encoding="utf-8")
    at = open_page("prompt", name=NAME)
    assert not at.exception
    assert field(at, "Prompt (JSON)").value == '{"messages": ['
    assert at.error


def test_the_columns_of_a_comparison_come_from_the_address_if_it_names_any(open_page: Open) -> None:
    def texts(columns: str) -> list[Any]:
        at = open_page("prompt", name=NAME, tab="compare", columns=columns)
        assert not at.exception
        return [one.value for one in at.selectbox if str(one.label).startswith("Text ")]

    assert texts("draft 1:large draft") == [0, 1, 0]
    assert [texts(one) for one in ("", "9 draft", "1", "!", "1 1 1 1 1")] == [[1, 0]] * 5
