from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.demo.github import visible
from dashboard.demo.notion import property_text
from dashboard.parts.tabs import tab_name
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.plugins.trigger import Start
from tests.patience import PATIENCE_SECONDS, until

Open = Callable[..., AppTest]
OWNER = Principal("owner", "owner")


def words(at: AppTest) -> str:
    elements = [*at.subheader, *at.markdown, *at.caption, *at.error, *at.warning, *at.info, *at.success, *at.text]
    return "\n".join(str(one.value) for one in elements)


def labels(at: AppTest) -> list[str]:
    return [button.label for button in at.button]


def tab(at: AppTest, which: str) -> AppTest:
    at.query_params["tab"] = tab_name(which)
    return at.run()


def test_the_mailbox_is_shown_and_a_mail_is_read_as_plain_text(orchestra: Orchestra, open_page: Open) -> None:
    at = open_page("demo")
    assert not at.exception
    assert "Kill the engine in the middle" not in labels(at), "nothing would start the engine again"
    subjects = list(at.dataframe[0].value["Subject"])
    assert "App crashes when I upload a file over 10 MB" in subjects
    assert "アプリが起動直後に強制終了します" in subjects
    message = next(
        one for one in orchestra.demo.show(OWNER)["gmail"]["messages"] if "upload above 10 MB" in one["snippet"]
    )
    at = open_page("demo", mail=message["id"])
    assert any("ShortRead: wanted 1048576 bytes" in str(one.value) for one in at.text)


def test_a_new_mail_arrives_or_is_written_and_is_open_at_once(open_page: Open) -> None:
    at = open_page("demo")
    before = len(at.dataframe[0].value)
    at.button(key="new-mail").click().run()
    assert len(at.dataframe[0].value) == before + 1
    assert any("Settings page crashes in dark mode" in str(one.value) for one in at.subheader)

    at = open_page("demo")
    text = "<script>alert(1)</script> ![x](http://192.0.2.1/a.png)"
    at.text_input(key="mail-subject-0").set_value("**Urgent**")
    at.text_area(key="mail-text-0").set_value(text)
    at.button(key="mail-send").click().run()
    assert not at.exception
    assert "**Urgent**" in list(at.dataframe[0].value["Subject"])
    assert [str(one.value).strip() for one in at.text] == [text], "what it says is not rendered"
    assert not any("**Urgent**" in str(one.value) for one in at.subheader)

    at = open_page("demo")
    at.text_input(key="mail-from-0").set_value("Ann <a@b> <c@d>")
    at.text_input(key="mail-subject-0").set_value("a\nBcc: x@example.org")
    at.button(key="mail-send").click().run()
    assert not at.exception


def test_the_receiver_of_a_sent_mail_answers_and_the_run_that_waits_goes_on(
    orchestra: Orchestra, open_page: Open
) -> None:
    orchestra.workflows.create_from_sample(OWNER, "chase-unanswered", "chase")
    run_id = orchestra.runs.start(OWNER, "chase", {})
    until(lambda: bool(orchestra.approvals.list(OWNER)))
    orchestra.approvals.approve(OWNER, orchestra.approvals.list(OWNER)[0].id)
    wait = ("gmail.wait_for_reply", "waiting")
    until(lambda: wait in [(one["uses"], one["status"]) for one in orchestra.runs.get(OWNER, run_id)["steps"]])
    [asked] = [one for one in orchestra.demo.show(OWNER)["gmail"]["sent"] if "when can you deliver" in one["snippet"]]
    at = open_page("demo", mail=asked["id"])
    at.segmented_control(key="mail-folder").set_value("Sent").run()
    at.text_area(key=f"answer-{asked['id']}").set_value("On Friday.").run()
    at.button(key="answer-send").click().run()
    assert not at.exception
    assert "1 run has waited for it and goes on." in " ".join(one.value for one in at.toast).replace("\\", "")
    until(lambda: orchestra.runs.get(OWNER, run_id)["status"] == "succeeded")
    assert orchestra.runs.get(OWNER, run_id)["outputs"] == {"answered": True, "by": "ingrid@lindqvist.example"}


def test_notion_and_github_show_what_a_workflow_made(orchestra: Orchestra, open_page: Open) -> None:
    run_id = orchestra.runs.start(OWNER, "inbox-triage", {"query": "in:inbox invoice OR crashes", "limit": 4})
    assert orchestra.runs.wait(OWNER, run_id, 60)["status"] == "succeeded"
    shown = orchestra.demo.show(OWNER)
    page = next(one for one in shown["notion"]["pages"] if "database_id" in one["parent"])
    issue = max(shown["github"]["issues"], key=lambda one: one["id"])

    at = tab(open_page("demo", page=page["id"]), "Notion")
    assert not at.exception
    assert len(at.dataframe[0].value) >= 1
    assert any("Mail" in str(one.value) for one in at.text)

    at = tab(open_page("demo", issue=str(issue["id"])), "GitHub")
    assert not at.exception
    assert issue["title"] in list(at.dataframe[0].value["Title"])
    assert "orchestra:" in issue["body"]
    assert not any("orchestra:" in str(one.value) for one in at.text)


def test_a_service_is_broken_for_a_while_and_its_pages_can_still_be_read(orchestra: Orchestra, open_page: Open) -> None:
    at = open_page("demo")
    at.button(key="break").click().run()
    endpoint = orchestra.demo.endpoints()["notion"]
    headers = {"authorization": f"Bearer {endpoint['token']}", "notion-version": "2025-09-03"}
    assert (
        httpx.get(
            f"{endpoint['base_url']}/v1/users/me", headers=headers, trust_env=False, timeout=PATIENCE_SECONDS
        ).status_code
        == 503
    )
    home = orchestra.demo.show(OWNER)["notion"]["pages"][0]
    at = tab(open_page("demo", page=home["id"]), "Notion")
    assert any("Welcome" in str(one.value) for one in at.text)


def test_a_reset_brings_the_sample_data_back_and_says_which_triggers_it_turns_off(
    orchestra: Orchestra, open_page: Open
) -> None:
    orchestra.demo.deliver(OWNER, "a@example.org", "Left over", "x")
    run_id = orchestra.runs.start(OWNER, "commit-digest", {})
    orchestra.runs.wait(OWNER, run_id, 60)
    orchestra.triggers.turn_on(OWNER, "inbox-triage", "new_mail", Start())
    at = open_page("demo")
    said = "It turns off these triggers: Inbox triage: New mail in Gmail."
    assert said in words(at).replace("\\", "")
    at.button(key="reset").click().run()
    assert not at.exception
    told = " ".join(str(one.value) for one in at.toast).replace("\\", "")
    assert "These triggers are off now: Inbox triage: New mail in Gmail. Turn them on again on the page" in told
    assert not orchestra.triggers.of_demo(OWNER)
    assert said not in words(at)
    assert "Left over" not in list(at.dataframe[0].value["Subject"])
    assert orchestra.runs.list(OWNER).rows == []


def test_a_kill_is_announced_before_it_happens_and_told_afterwards(
    orchestra: Orchestra, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = threading.Event()
    monkeypatch.setenv("ORCHESTRA_PARENT_PID", str(os.getppid()))
    monkeypatch.setattr("engine.operations.demo_mailbox.os.kill", lambda *_: killed.set())
    at = open_page("demo")
    at.button(key="kill-demo").click().run()
    assert any("is being killed now" in str(one.value) for one in at.warning)
    assert "Kill the engine in the middle" not in labels(at)
    assert killed.wait(PATIENCE_SECONDS)
    assert any(line.action == "demo.kill_engine" for line in orchestra.audit(OWNER))
    again = open_page("demo", killed="1")
    assert any("was killed and is back" in str(one.value) for one in again.success)


def test_a_viewer_looks_and_an_operator_may_not_reset(
    orchestra: Orchestra, sign_in: Callable[..., str], open_page: Open
) -> None:
    for role, expected in (("viewer", set()), ("operator", {"New mail arrives"})):
        orchestra.users.add(OWNER, role, role, role, "a long password 1")
        sign_in(role)
        at = open_page("demo")
        assert not at.exception
        assert {"New mail arrives", "Yes, reset it"} & set(labels(at)) == expected


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param({"type": "title", "title": [{"plain_text": "a"}, {"plain_text": "b"}]}, "ab", id="title"),
        pytest.param({"type": "status", "status": {"name": "Done"}}, "Done", id="status"),
        pytest.param({"type": "select", "select": None}, "", id="empty select"),
        pytest.param({"type": "multi_select", "multi_select": [{"name": "x"}, {"name": "y"}]}, "x, y", id="tags"),
        pytest.param({"type": "date", "date": {"start": "2026-01-02", "end": None}}, "2026-01-02", id="date"),
        pytest.param({"type": "checkbox", "checkbox": True}, "yes", id="checkbox"),
        pytest.param({"type": "number", "number": 0}, "0", id="zero"),
        pytest.param({"type": "url", "url": "https://example.org"}, "https://example.org", id="url"),
    ],
)
def test_properties_read_as_text(value: dict[str, Any], text: str) -> None:
    assert property_text(value) == text


def test_comments_of_html_are_not_shown() -> None:
    assert visible("Text\n\n<!-- orchestra:abc\n-->") == "Text"
