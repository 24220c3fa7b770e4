from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.approvals.questions import opened_at
from dashboard.base.page import Visit
from dashboard.run.waits import has_answer
from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.dashboard.test_run import labels, tables, words
from tests.patience import PATIENCE_SECONDS, until

Open = Callable[..., AppTest]
OWNER = Principal("owner", "owner")
ASK: dict[str, Any] = {"id": "ask", "title": "Ask Ada", "uses": "flow.approve", "with": {"message": "Send it?"}}


def asking(orchestra: Orchestra, *steps: dict[str, Any], name: str = "letters") -> Any:
    """A run that has asked."""
    document = {"schema_version": 1, "title": name.capitalize(), "steps": list(steps) or [ASK]}
    problems = orchestra.workflows.save(OWNER, name, json.dumps(document), None).problems
    assert [one for one in problems if one.severity == "error"] == []
    run = orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, name, {}), 60)
    assert run["status"] == "waiting", run["error"]
    return run


def question_of(orchestra: Orchestra) -> str:
    [question] = orchestra.approvals.list(OWNER)
    return question.id


def opened(orchestra: Orchestra, open_page: Open) -> list[AppTest]:
    """The page with each of the questions open."""
    found = [open_page("approvals", question=one.id) for one in orchestra.approvals.list(OWNER)]
    assert not any(at.exception for at in found)
    return found


def test_an_answer_with_a_comment_lets_the_run_go_on(orchestra: Orchestra, open_page: Open) -> None:
    at = open_page("approvals")
    for button, ending, comment in (("approve", "succeeded", "Go ahead."), ("reject", "failed", "Not on a Friday.")):
        run = asking(orchestra, name=button)
        question = question_of(orchestra)
        at.run()
        assert "Send it?" in words(at)
        assert f"{button.title()} · Ask Ada" in words(at)
        at.text_input(key=f"comment-list-{question}").set_value(comment).run()
        at.button(key=f"{button}-list-{question}").click().run()
        assert not at.exception
        assert orchestra.runs.wait(OWNER, run["run_id"], 60)["status"] == ending
        answered = orchestra.approvals.get(OWNER, question)
        assert (answered.answered_by, answered.comment) == ("owner", comment)
        assert "No questions." in words(at)

    at.query_params["tab"] = "answered"
    at.run()
    assert {"Go ahead.", "Not on a Friday."} <= {one.value for one in at.text}
    assert any("by owner" in str(one.value) for one in at.caption)


def test_an_answered_question_is_about_an_item_and_a_step_by_their_titles(
    orchestra: Orchestra, open_page: Open
) -> None:
    loop = {
        "id": "each",
        "foreach": "{{ ['Ada'] }}",
        "as": "one",
        "key": "{{ one }}",
        "item_title": "Mail of {{ one }}",
    }
    asking(orchestra, {**loop, "steps": [{**ASK, "title": "Ask the owner"}]})
    orchestra.approvals.reject(OWNER, question_of(orchestra))
    said = [str(one.value) for one in open_page("approvals", tab="answered").caption]
    assert any("Mail of Ada · Ask the owner · by owner" in one for one in said)
    assert not any("each" in one for one in said)


def test_what_comes_from_outside_is_never_markdown(orchestra: Orchestra, open_page: Open) -> None:
    nasty = "![x](http://192.0.2.1/pixel) **bold** :red[alarm]"
    asking(orchestra, {**ASK, "with": {"message": nasty, "details": {"text": nasty, "more": f"{nasty}\n{nasty}"}}})
    for page in ("approvals", ""):
        at = open_page(page)
        assert not at.exception
        links = [str(one.proto.label) for one in at.get("page_link")]
        assert not any(nasty in str(one.value) for one in [*at.markdown, *at.caption, *at.subheader])
        assert not any(nasty in one for one in links)
        assert any("\\!\\[x\\]" in one for one in [*links, *(str(one.value) for one in at.markdown)])


def test_an_object_is_an_outline_with_its_json_behind_a_button(orchestra: Orchestra, open_page: Open) -> None:
    plan = {
        "title": "Word counter",
        "is_new": True,
        "files": [{"path": "a.py", "purpose": "Counts *words*"}, {"path": "b.py", "purpose": ""}],
        "tests": [{"path": "t.py", "text": "import a\nassert a", "tags": ["fast"]}],
        "command": "python t.py",
    }
    asking(orchestra, {**ASK, "with": {"message": "Build it?", "details": plan}})
    at = open_page("approvals")
    [first, second] = [str(one.value) for one in at.markdown if ":gray[" in str(one.value)]
    assert first.split("\n") == [
        ":gray[title:]  Word counter",
        "",
        ":gray[is new:]  yes",
        "",
        ":gray[files:]",
        "",
        "- :gray[path:] a\\.py · :gray[purpose:] Counts \\*words\\*",
        "- :gray[path:] b\\.py · :gray[purpose:] :gray[(empty)]",
        "",
        ":gray[tests:]",
        "",
        "- :gray[path:] t\\.py",
        "  - :gray[text:]",
    ]
    assert second.split("\n") == ["- :gray[tags:]", "  - fast", "", ":gray[command:]  python t\\.py"]
    assert [one.value for one in at.code] == ["import a\nassert a", json.dumps(plan, indent=2)]
    assert [one.label for one in at.expander] == ["As JSON"]


def test_values_of_another_kind_do_not_look_alike(orchestra: Orchestra, open_page: Open) -> None:
    """A text is in quotes where it could be taken for another value, and only there."""
    values = [False, "no", "No", None, "null", "", "(empty)", " ", [], "[]", {}, "{}", 5, "5", '"5"', "5 mails"]
    fields = {f"field {number}": value for number, value in enumerate(values)}
    several = {"several": [*values, {"text": "no", "is new": False}]}
    for number, details in enumerate((several, {"inside": fields, "list": [[1]]}, fields)):
        asking(orchestra, {**ASK, "with": {"message": "Do it?", "details": details}}, name=f"letters-{number}")
    cards = opened(orchestra, open_page)
    written = [str(one.value).replace("\\", "") for at in cards for one in at.markdown]
    for kind in ("several", "inside"):
        [outline] = [one for one in written if one.startswith(f":gray[{kind}:]")]
        lines = re.findall(r"^- (?::gray\[field \d+:\] +)?(.*)$", outline, re.MULTILINE)[: len(values)]
        assert lines == [
            *("no", '"no"', '"No"', "null", '"null"', ":gray[(empty)]", '"(empty)"', '" "', "[]", '"[]"', "{}", '"{}"'),
            *("5", '"5"', '""5""', "5 mails"),
        ]
        assert kind == "inside" or outline.endswith(':gray[text:] "no" · :gray[is new:] no')
    alone = [one.split("]  ")[1] for one in written if one.startswith(":gray[field ") and one.count("\n") == 0]
    assert alone == ["false", "no", "No", *lines[3:]]


def test_a_deep_text_is_shown_as_json(orchestra: Orchestra, open_page: Open) -> None:
    """What follows a text of several lines would look like a field further out."""
    deep = {"plan": {"files": {"a.py": {"text": "assert a\n" * 20, "size": 2}}}}
    deeper: Any = "below all lines"
    for level in range(9):
        deeper = {f"level {level}": deeper}
    asking(orchestra, {**ASK, "with": {"message": "Build it?", "details": deep}})
    asking(orchestra, {**ASK, "with": {"message": "Build it?", "details": deeper}}, name="deeper")
    cards = opened(orchestra, open_page)
    code = [one.value for at in cards for one in at.code]
    assert json.dumps(deep["plan"]["files"], indent=2) in code
    assert len([one for at in cards for one in at.expander if one.label == "As JSON"]) == 1
    assert [one for one in code if "below all lines" in one and "level 8" not in one]
    assert json.dumps(deeper, indent=2) in code


def test_a_question_stands_in_the_menu_on_the_first_page_and_on_its_runs_page(
    orchestra: Orchestra, sign_in: Callable[..., str], open_page: Open
) -> None:
    from dashboard.pages import all_views

    page = next(view.page for view in all_views() if view.page.path == "approvals")
    assert page.count is not None
    assert page.count(orchestra, OWNER) == 0
    run = asking(orchestra, {**ASK, "with": {"message": "Dear Ada,\nshall it go out?"}})
    assert page.count(orchestra, OWNER) == 1
    question = question_of(orchestra)
    orchestra.users.add(OWNER, "vera", "Vera", "viewer", "a long password 1")
    sign_in("vera")
    at = open_page("approvals")
    assert "Dear Ada,\nshall it go out?" in [one.value for one in at.text], "a long one stands as it was written"
    assert not {"Approve", "Reject"} & set(labels(at)), "a viewer has no buttons"
    sign_in()
    home = open_page("")
    assert "Waits for your answer" in words(home)
    assert f"approve-home-{question}" in [button.key for button in home.button]
    at = open_page("run", id=run["run_id"])
    at.button(key=f"approve-run-{question}").click().run()
    assert not at.exception
    assert orchestra.runs.wait(OWNER, run["run_id"], 60)["status"] == "succeeded"
    assert "Waits for your answer" not in words(open_page(""))


def test_the_page_of_a_run_knows_that_its_question_was_answered_before_the_run_does(orchestra: Orchestra) -> None:
    run, visit = asking(orchestra), Visit(orchestra, OWNER, {})
    assert not has_answer(visit, run)
    orchestra.approvals.approve(OWNER, question_of(orchestra))
    assert has_answer(visit, run)


def test_who_answers_second_is_told_who_was_first(orchestra: Orchestra, open_page: Open) -> None:
    asking(orchestra)
    question = question_of(orchestra)
    at = open_page("approvals")
    orchestra.approvals.reject(Principal("ada", "owner"), question)
    at.button(key=f"approve-list-{question}").click().run()
    assert orchestra.approvals.get(OWNER, question).state == "rejected"


def rows(at: AppTest) -> list[str]:
    """The questions in the list, by their ids; the open one first."""
    keys = sorted(str(one.key) for one in at.button if str(one.key).startswith(("pick-", "picked-")))
    return [key.rpartition("-")[2] for key in [*keys[-1:], *keys[:-1]]]


def test_many_questions_of_a_loop_name_their_items_and_come_in_parts(orchestra: Orchestra, open_page: Open) -> None:
    run = asking(
        orchestra,
        {"id": "letters", "uses": "flow.set", "with": {"values": {"xs": [f"Letter {n}" for n in range(25)]}}},
        {
            "id": "each",
            "foreach": "{{ steps.letters.output.xs }}",
            "as": "letter",
            "key": "{{ letter }}",
            "item_title": "{{ letter }}",
            "parallel": 25,
            "steps": [{**ASK, "with": {"message": "Send {{ letter }}?"}}],
        },
    )
    at = open_page("approvals")
    assert len(rows(at)) == 20
    assert re.search(r"Letters · Letter \d+ · Ask Ada", words(at))
    at.button(key="more-open").click().run()
    assert len(rows(at)) == 25
    at = open_page("run", id=run["run_id"])
    assert "Approve" not in labels(at), "a line each, so that the table of items is not far down"
    lines = [one.proto for one in at.get("page_link") if "Send Letter" in one.proto.label]
    assert len(lines) == 8
    assert {one.query_string.removeprefix("question=") for one in lines} <= {
        one.id for one in orchestra.approvals.list(OWNER)
    }
    assert [one.proto.label for one in at.get("page_link") if "more" in one.proto.label] == ["17 questions more"]


LETTER: dict[str, Any] = {
    "id": "send",
    "uses": "gmail.send",
    "with": {"to": "mia@example.org", "subject": "Hours", "text": "We open at [hour].\nBye"},
}


def letters(orchestra: Orchestra, count: int) -> list[str]:
    """The ids of as many questions about mails."""
    for number in range(count):
        asking(orchestra, LETTER, name=f"letter-{number}")
    return [one.id for one in orchestra.approvals.list(OWNER)]


def consent(at: AppTest) -> None:
    """Tick that texts may be sent with their gaps."""
    [tick] = [one for one in at.checkbox if one.label == "Send it with these gaps"]
    tick.check().run()


def edited(orchestra: Orchestra, open_page: Open, count: int) -> tuple[AppTest, str]:
    """Start so many runs that ask, and begin to edit the newest."""
    question = letters(orchestra, count)[0]
    at = open_page("approvals")
    at.button(key=f"edit-list-{question}").click().run()
    return at, question


def test_a_mail_reads_as_a_mail(orchestra: Orchestra, open_page: Open) -> None:
    asking(orchestra, {**LETTER, "with": {**LETTER["with"], "text": "Hello <b>Mia</b>,\n> Are you open?\nYes."}})
    at = open_page("approvals")
    shown = "".join(str(one.proto.body) for one in at.get("html"))
    assert "If you agree, this mail goes to **mia" in words(at)
    assert "<dt>To</dt><dd>mia@example.org</dd><dt>Subject</dt><dd>Hours</dd>" in shown
    assert "Hello &lt;b&gt;Mia&lt;/b&gt;,\n<i>&gt; Are you open?</i>\nYes." in shown
    assert "gmail.send" in words(at).replace("\\", ""), "the exact call is one click away"


@pytest.mark.parametrize("count", [1, 2])
def test_whatever_approves_an_edited_call_approves_the_edit(orchestra: Orchestra, open_page: Open, count: int) -> None:
    at, question = edited(orchestra, open_page, count)
    assert "[hour]" in "".join(one.value.replace("\\", "") for one in at.warning)
    at.text_area(key=f"edit-{question}-text").set_value("We open at nine.\nBye").run()
    assert not at.warning
    at.button(key=f"approve-list-{question}").click().run()
    assert not at.exception
    found = orchestra.approvals.get(OWNER, question)
    assert (found.state, found.edited) == ("approved", {**LETTER["with"], "text": "We open at nine.\nBye"})
    assert [one.value for one in at.toast if "as edited: mia" in one.value.replace("\\", "").replace(":color[]", "")]


@pytest.mark.parametrize(
    ("count", "wrong"),
    [
        pytest.param(1, "{", id="alone-no JSON"),
        pytest.param(2, '{"subjekt": "x"}', id="of several-no such field"),
        *(
            pytest.param(count, wrong, id=f"{count}-{wrong}", marks=pytest.mark.chaos)
            for count in (1, 2)
            for wrong in ("{", "[]", '{"subjekt": "x"}', '{"text": "twice"}')
        ),
    ],
)
def test_an_edit_that_is_not_valid_answers_nothing_until_it_is_discarded(
    orchestra: Orchestra, open_page: Open, count: int, wrong: str
) -> None:
    at, question = edited(orchestra, open_page, count)
    approves = f"approve-list-{question}"
    consent(at)
    at.text_area(key=f"edit-{question}-other-fields").set_value(wrong)
    at.button(key=approves).click().run()  # the text and the press arrive together
    assert at.error
    assert at.button(key=approves).disabled
    assert orchestra.approvals.count_open(OWNER) == count
    at.button(key=f"discard-{question}").click().run()
    assert not at.error
    if at.button(key=approves).disabled:
        consent(at)
    at.button(key=approves).click().run()
    found = orchestra.approvals.get(OWNER, question)
    assert (found.state, found.edited) == ("approved", None)


def test_a_consent_to_gaps_is_not_one_to_others(orchestra: Orchestra, open_page: Open) -> None:
    at, question = edited(orchestra, open_page, 1)
    approves = f"approve-list-{question}"
    assert at.button(key=approves).disabled
    consent(at)
    assert not at.button(key=approves).disabled
    at.text_area(key=f"edit-{question}-text").set_value("").run()
    assert "text (empty)" in "".join(one.value.replace("\\", "") for one in at.warning)
    assert at.button(key=approves).disabled  # the tick was for the other gaps


def test_every_simple_argument_has_a_field_of_its_kind(orchestra: Orchestra, open_page: Open) -> None:
    sent = {"to": ["mia@example.org", "ada@example.org"], "subject": "Hours", "text": "*Nine*", "markdown": False}
    asking(orchestra, {**LETTER, "with": sent})
    question = question_of(orchestra)
    at = open_page("approvals", edit=question)
    at.text_area(key=f"edit-{question}-to").set_value("ada@example.org\n\n")
    at.toggle(key=f"edit-{question}-markdown").set_value(True)
    at.run()
    assert at.text_area(key=f"edit-{question}-other-fields").value == "{}"
    at.button(key=f"approve-list-{question}").click().run()
    found = orchestra.approvals.get(OWNER, question)
    assert found.edited == {**sent, "to": ["ada@example.org"], "markdown": True}


def test_after_an_answer_the_next_question_is_open(orchestra: Orchestra, open_page: Open) -> None:
    newest, middle, oldest = letters(orchestra, 3)
    at = open_page("approvals")
    assert rows(at)[0] == newest
    at.button(key=f"move-j-{middle}").click().run()
    at.button(key=f"reject-list-{middle}").click().run()
    assert rows(at) == [oldest, newest]


def test_the_address_opens_a_question_or_says_how_it_was_answered(orchestra: Orchestra, open_page: Open) -> None:
    _, oldest = letters(orchestra, 2)
    assert rows(open_page("approvals", question=oldest))[0] == oldest
    orchestra.approvals.reject(Principal("ada", "owner"), oldest)
    assert "by ada" in words(open_page("approvals", question=oldest))


def test_all_of_a_step_are_approved_at_once_but_for_what_needs_a_look(orchestra: Orchestra, open_page: Open) -> None:
    whole = {**LETTER["with"], "text": "We open at nine."}
    steps = {"id": "each", "foreach": "{{ ['Ada', 'Mia', 'Bo'] }}", "as": "one", "key": "{{ one }}", "parallel": 9}
    inner = {**LETTER, "with": {**whole, "subject": "{{ one }}", "text": "{{ one == 'Bo' ? 'At [hour]' : 'At nine' }}"}}
    run = asking(orchestra, {**steps, "steps": [inner]})
    asking(orchestra, {**LETTER, "with": whole}, name="other")
    asked = {one.id: one for one in orchestra.approvals.list(OWNER)}
    alike = [one for one in asked.values() if one.run_id == run["run_id"] and not one.gaps]
    assert len(alike) == 2
    at = open_page("approvals", question=alike[0].id)
    at.button(key="approve-alike").click().run()
    assert {"Ada", "Mia"} <= set(re.findall(r"Ada|Mia|Bo", words(at)))
    at.button(key="approve-alike").click()  # AppTest knows no dialog that stays open
    at.button(key="approve-all").click().run()
    assert not at.exception
    left = {one.id for one in orchestra.approvals.list(OWNER)}
    assert left == asked.keys() - {one.id for one in alike}


@pytest.mark.parametrize(
    ("path", "params"),
    [
        pytest.param("ask", {"open": "ask"}, id="at the top"),
        pytest.param("group.ask", {"open": "group.ask"}, id="in a group"),
        pytest.param("each[3].ask", {"open": "each[3]", "step": "each.ask"}, id="in a loop"),
        pytest.param("each[3].inner[0].ask", {"open": "each[3]", "step": "each.inner[0].ask"}, id="in two"),
    ],
)
def test_the_way_to_a_step_opens_its_row(path: str, params: dict[str, str]) -> None:
    assert opened_at(path) == params


LATER: dict[str, Any] = {
    "id": "send",
    "uses": "gmail.send",
    "approve": "never",
    "with": {"to": "ann@example.org", "subject": "Offer", "text": "Here it is.", "send_after": "2h"},
}


@pytest.mark.parametrize("page", ["", "approvals", "run"])
@pytest.mark.parametrize(("button", "ending"), [("stop", "failed"), ("release", "succeeded")])
def test_a_mail_that_goes_out_later_is_stopped_or_sent_at_once(
    orchestra: Orchestra, open_page: Open, page: str, button: str, ending: str
) -> None:
    run = asking(orchestra, LATER)
    [held] = orchestra.approvals.list(OWNER, "scheduled")
    at = open_page(page, **({"id": run["run_id"]} if page == "run" else {}))
    assert not at.exception
    [pressed] = [one for one in at.button if str(one.key).startswith(f"{button}-") and held.id in str(one.key)]
    shown = [str(one.proto.label) for one in at.get("page_link")] + [str(one.value) for one in at.header]
    assert any("Goes out at" in one and "to ann@" in one for one in shown), shown
    pressed.click().run()
    assert not at.exception
    assert orchestra.runs.wait(OWNER, run["run_id"], 60)["status"] == ending
    at = open_page("approvals", tab="answered")
    said = [str(one.value) for one in at.markdown]
    assert any(("Stopped" if ending == "failed" else "Released") in one for one in said)
    assert any("by owner" in str(one.value) for one in at.caption)
    at = open_page("run", id=run["run_id"], open="send")
    assert not at.exception
    assert ("Stopped by you" in words(at)) is (ending == "failed")
    assert (r"The mail was stopped by owner\." in [str(one.value) for one in at.header]) is (ending == "failed")
    assert "ejected" not in words(at)
    assert tables(at)[0]["status"] == ["⊘ Stopped" if ending == "failed" else "✓ Done"]


def test_the_address_of_a_mail_that_goes_out_later_shows_it(orchestra: Orchestra, open_page: Open) -> None:
    asking(orchestra, LATER)
    [held] = orchestra.approvals.list(OWNER, "scheduled")
    at = open_page("approvals", question=held.id)
    assert not at.exception
    assert any("Goes out at" in str(one.value) for one in at.header)
    assert "Here it is." in words(at)


def _unescaped(text: str) -> str:
    return re.sub(r"\\|:color\[\]", "", text)


def test_an_approved_mail_that_goes_out_later_says_when_and_can_be_stopped(
    orchestra: Orchestra, open_page: Open
) -> None:
    asking(orchestra, {**LATER, "approve": "always"})
    question = question_of(orchestra)
    at = open_page("approvals")
    at.button(key=f"approve-list-{question}").click().run()
    [told] = [_unescaped(one.value) for one in at.toast]
    link = rf"\[Stop\]\(approvals\?question={question}"
    assert re.search(rf"Goes out at (?:\w+ \d+ \w+, )?\d\d:\d\d UTC\. {link}", told), told
    assert until(lambda: orchestra.approvals.list(OWNER, "scheduled"))
    [held] = orchestra.approvals.list(OWNER, "scheduled")
    at = open_page("approvals", question=question)
    at.button(key=f"stop-held-{held.id}")
    at = open_page("approvals", tab="answered")
    assert any("Approved, goes out at" in str(one.value) for one in at.markdown)
    orchestra.approvals.reject(OWNER, held.id)
    at = open_page("approvals", tab="answered")
    assert not any("goes out at" in str(one.value) for one in at.markdown)


@pytest.mark.parametrize("is_time", [False, True])
def test_the_time_of_a_mail_is_picked_in_the_zone_of_the_reader(
    orchestra: Orchestra, open_page: Open, is_time: bool
) -> None:
    soon = (datetime.now(UTC) + timedelta(days=2)).replace(second=0, microsecond=0)
    given = soon.astimezone(timezone(timedelta(hours=5))).isoformat() if is_time else "2h"
    asking(orchestra, {**LATER, "approve": "always", "with": {**LATER["with"], "send_after": given}})
    question = question_of(orchestra)
    at = open_page("approvals", question=question, edit=question)
    [picked] = [one for one in at.datetime_input if one.label == "Scheduled for (UTC)"]
    assert picked.value == (soon.replace(tzinfo=None) if is_time else None)
    assert ("Held for 2h, unless you pick a time." in words(at)) is not is_time
    assert not [one for one in at.button if one.label == "Approve as edited"], "nothing is changed yet"
    wanted = (soon + timedelta(days=1)).replace(hour=8, minute=30, tzinfo=None)
    picked.set_value(wanted).run()
    assert not at.exception
    next(one for one in at.button if one.label == "Approve as edited").click().run()
    assert ", 08:30 UTC. [Stop]" in _unescaped(at.toast[0].value)
    assert until(lambda: orchestra.approvals.list(OWNER, "scheduled"))
    [held] = orchestra.approvals.list(OWNER, "scheduled")
    assert held.call is not None
    assert held.call.arguments["send_after"] == f"{wanted.isoformat()}+00:00"


def test_questions_of_two_runs_about_the_same_say_so(orchestra: Orchestra, open_page: Open) -> None:
    other = {**LETTER, "with": {**LETTER["with"], "subject": "Another"}}
    asking(orchestra, LETTER)
    orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "letters", {}), PATIENCE_SECONDS)
    asking(orchestra, other, name="other")
    alone, later, earlier = [one.id for one in orchestra.approvals.list(OWNER)]

    def row(at: AppTest, question: str) -> str:
        return next(str(one.label) for one in at.button if str(one.key) in (f"pick-{question}", f"picked-{question}"))

    at = open_page("approvals", question=earlier)
    assert "asked again by a later run" in row(at, earlier)
    assert "an earlier run asks the same" in row(at, later)
    assert "run" not in row(at, alone)
    [link] = [one for one in at.get("page_link") if "Asked again by a later run" in one.proto.label]
    assert later in str(link.proto)
    assert "asked again by a later run" in words(open_page(""))
    at.button(key=f"reject-list-{earlier}").click().run()
    assert {one.id for one in orchestra.approvals.list(OWNER)} == {alone, later}
    assert "run" not in row(open_page("approvals"), later)
