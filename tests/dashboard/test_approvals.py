from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.approvals.questions import opened_at
from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.dashboard.test_run import labels, words

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
    at = open_page("approvals")
    assert not at.exception
    written = [str(one.value).replace("\\", "") for one in at.markdown]
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
    at = open_page("approvals")
    code = [one.value for one in at.code]
    assert json.dumps(deep["plan"]["files"], indent=2) in code
    assert len([one for one in at.expander if one.label == "As JSON"]) == 1
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


def test_who_answers_second_is_told_who_was_first(orchestra: Orchestra, open_page: Open) -> None:
    asking(orchestra)
    question = question_of(orchestra)
    at = open_page("approvals")
    orchestra.approvals.reject(Principal("ada", "owner"), question)
    at.button(key=f"approve-list-{question}").click().run()
    assert orchestra.approvals.get(OWNER, question).state == "rejected"


def marks(at: AppTest) -> int:
    """How many questions can be marked."""
    return sum(one.proto.label == "Your answer, sent with the others" for one in at.get("button_group"))


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
    assert marks(at) == 20
    assert re.search(r"Letters · Letter \d+ · Ask Ada", words(at))
    at.button(key="more-open").click().run()
    assert marks(at) == 25
    assert labels(open_page("run", id=run["run_id"])).count("Approve") == 3


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


def answer_at_card(at: AppTest, question: str) -> None:
    at.button(key=f"approve-list-{question}").click().run()


def answer_with_keys(at: AppTest, question: str) -> None:
    """Mark the first question, which is this one, by its key, and send."""
    at.button(key="press-a").click().run()
    at.button(key="batch-answer").click().run()


def consent(at: AppTest) -> None:
    """Tick that texts may be sent with their gaps."""
    [tick] = [one for one in at.checkbox if one.label == "Send it with these gaps"]
    tick.check().run()


ANSWERS = pytest.mark.parametrize(
    ("count", "answer"), [pytest.param(1, answer_at_card, id="card"), pytest.param(2, answer_with_keys, id="batch")]
)


@ANSWERS
def test_whatever_approves_an_edited_call_approves_the_edit(
    orchestra: Orchestra, open_page: Open, count: int, answer: Callable[[AppTest, str], None]
) -> None:
    question = letters(orchestra, count)[0]
    at = open_page("approvals")
    assert "[hour]" in "".join(one.value.replace("\\", "") for one in at.warning)
    at.text_area(key=f"edit-{question}-text").set_value("We open at nine.\nBye").run()
    assert len(at.warning) == count - 1
    answer(at, question)
    assert not at.exception
    found = orchestra.approvals.get(OWNER, question)
    assert (found.state, found.edited) == ("approved", {**LETTER["with"], "text": "We open at nine.\nBye"})
    assert [one.value for one in at.toast if "as edited: mia" in one.value.replace("\\", "").replace(":color[]", "")]


@pytest.mark.parametrize(
    ("count", "wrong"),
    [
        pytest.param(1, "{", id="card-no JSON"),
        pytest.param(2, '{"subjekt": "x"}', id="batch-no such field"),
        *(
            pytest.param(count, wrong, id=f"{kind}-{wrong}", marks=pytest.mark.chaos)
            for count, kind in ((1, "card"), (2, "batch"))
            for wrong in ("{", "[]", '{"subjekt": "x"}', '{"text": "twice"}')
        ),
    ],
)
def test_an_edit_that_is_not_valid_answers_nothing_until_it_is_discarded(
    orchestra: Orchestra, open_page: Open, count: int, wrong: str
) -> None:
    question = letters(orchestra, count)[0]
    at = open_page("approvals")
    sends = f"approve-list-{question}" if count == 1 else "batch-answer"
    if count == 2:
        at.button(key="press-a").click().run()
    consent(at)
    at.text_area(key=f"edit-{question}-other-fields").set_value(wrong)
    at.button(key=sends).click().run()  # the text and the press arrive together
    assert at.error
    assert at.button(key=sends).disabled
    assert orchestra.approvals.count_open(OWNER) == count
    at.button(key=f"discard-{question}").click().run()
    assert not at.error
    if at.button(key=sends).disabled:
        consent(at)
    at.button(key=sends).click().run()
    found = orchestra.approvals.get(OWNER, question)
    assert (found.state, found.edited) == ("approved", None)


def test_the_button_of_the_batch_says_what_it_sends(orchestra: Orchestra, open_page: Open) -> None:
    first, *_ = letters(orchestra, 3)
    at = open_page("approvals")
    at.text_input(key=f"edit-{first}-to").set_value("layla@example.org").run()
    for letter in "aar":
        at.button(key=f"press-{letter}").click().run()
    label = at.button(key="batch-answer").label.replace("\\", "").replace(":color[]", "")
    assert label == "Approve 2 (1 as edited): to layla@…, mia@…; reject 1"
    assert at.button(key="batch-answer").disabled
    consent(at)
    assert not at.button(key="batch-answer").disabled
    at.text_area(key=f"edit-{first}-text").set_value("").run()
    assert "text (empty)" in "".join(one.value.replace("\\", "") for one in at.warning)
    assert at.button(key="batch-answer").disabled  # the tick was for the other gaps


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
