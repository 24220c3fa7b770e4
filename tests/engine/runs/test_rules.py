"""Rules answer about mails in place of the model, are counted, and are proposed from corrections."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from engine.base.errors import InvalidFile, InvalidInput, NotAllowed, StaleEdit, UnknownName
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.runs.rules.rules import StepRules
from tests.engine.conftest import OWNER
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from tests.conftest import StandIns

ROOT = Path(__file__).resolve().parents[3]
NAME, STEP = "inbox-triage", "classify"


@pytest.fixture
def root(own_accounts: Path) -> Path:
    """The workspace with the workflow and the prompt that ship."""
    shutil.copy(ROOT / "workflows" / f"{NAME}.json", own_accounts / "workflows")
    shutil.copy(ROOT / "prompts" / "classify-mail.json", own_accounts / "prompts")
    shutil.copytree(ROOT / "prompts" / "classify-mail.versions", own_accounts / "prompts" / "classify-mail.versions")
    return own_accounts


@pytest.fixture
def orchestra(root: Path) -> Iterator[Orchestra]:
    """The opened workspace."""
    opened = Orchestra.open(root)
    yield opened
    opened.close()


def arrives(standins: StandIns, sender: str, subject: str, *headers: str) -> None:
    """Let a mail arrive; it is then the newest."""
    lines = [*headers, f"From: {sender}", "To: me@example.com", f"Subject: {subject}", "", "Could you look at this?"]
    address = f"{standins['gmail'].origin}/_demo/mail"
    sent = httpx.post(address, content="\r\n".join(lines).encode(), trust_env=False, timeout=PATIENCE_SECONDS)
    sent.raise_for_status()


def ran(orchestra: Orchestra, **inputs: Any) -> Any:
    return ended(orchestra, orchestra.runs.start(OWNER, NAME, inputs))


def ended(orchestra: Orchestra, run_id: str) -> Any:
    run = orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    assert run["status"] == "succeeded", run["error"]
    return run


def answers(run: Any) -> list[Any]:
    return [one for one in run["steps"] if one["id"] == STEP]


def asked(standins: StandIns) -> int:
    """How often the model was asked."""
    return sum(standins.requests("openai").values())


def rules(orchestra: Orchestra, p: Principal = OWNER) -> StepRules:
    [found] = orchestra.rules.of(p, NAME).steps
    return found


def add(orchestra: Orchestra, answer: str = "nothing", **when: str) -> None:
    given = {("from" if name == "sender" else name): text for name, text in when.items()}
    orchestra.rules.add(OWNER, NAME, STEP, {**given, "answer": {"kind": answer}})


def correct(orchestra: Orchestra, run: Any, sender: str, kind: str) -> None:
    """Correct the answers about all mails of a sender."""
    found = next(one for one in run["steps"] if one["id"] == "mails")["output"]["messages"]
    places = [index for index, one in enumerate(found) if sender in one["from"]]
    assert places
    for index in places:
        path = f"each_mail[{index}].{STEP}"
        ended(orchestra, orchestra.corrections.correct(OWNER, run["run_id"], path, {"kind": kind}).run_id)


def test_a_rule_answers_and_the_model_is_not_asked(orchestra: Orchestra, standins: StandIns) -> None:
    arrives(standins, "Shop <news@shop.example>", "Sale")
    rule = {"from": "shop.example", "answer": {"kind": "task", "title": "By hand"}, "note": "Says Ada."}
    orchestra.rules.add(OWNER, NAME, STEP, rule)
    before = asked(standins)

    run = ran(orchestra, limit=3)

    ruled, *others = answers(run)
    assert ruled["output"] == {"kind": "task", "title": "By hand", "summary": ""}
    assert ruled["by_rule"] == {"when": {"from": "shop.example"}, "answer": {"kind": "task", "title": "By hand"}}
    assert (ruled["attempts"], ruled.get("request"), ruled["usage"]) == ([], None, None)
    assert [one.get("by_rule") for one in others] == [None, None]
    assert asked(standins) == before + 2
    task = next(one for one in run["steps"] if one["path"] == "each_mail[0].task")
    assert (task["status"], task["arguments"]["title"]) == ("succeeded", "By hand")
    [use] = rules(orchestra).rules
    assert (use.number, use.note, use.answered, use.last_run) == (1, "Says Ada.", 1, run["run_id"])
    assert use.last_at == ruled["ended_at"]


def test_a_forged_sender_does_not_choose_the_way_of_its_mail(orchestra: Orchestra, standins: StandIns) -> None:
    results = "Authentication-Results: mx.google.com; dmarc={} header.from=shop.example"
    arrives(standins, "news@shop.example", "Real", results.format("pass"))
    arrives(standins, "news@shop.example", "Forged", results.format("fail"))
    arrives(standins, '"news@shop.example" <x@evil.example>', "Named so")
    add(orchestra, sender="news@shop.example")
    before = asked(standins)

    named, forged, real = answers(ran(orchestra, limit=3))

    assert ("by_rule" in named, "by_rule" in forged, "by_rule" in real) == (False, False, True)
    assert asked(standins) == before + 2


def test_the_first_rule_answers_and_the_order_can_be_changed(orchestra: Orchestra, standins: StandIns) -> None:
    arrives(standins, "news@shop.example", "Sale", "List-Id: Offers <offers.shop.example>")
    add(orchestra, "bug", list="offers.shop.example")
    add(orchestra, "task", sender="shop.example")
    add(orchestra, "unsure", subject_is="sale")
    assert [one.answer["kind"] for one in rules(orchestra).rules] == ["bug", "task", "unsure"]
    assert answers(ran(orchestra, limit=1))[0]["output"]["kind"] == "bug"

    orchestra.rules.move(OWNER, NAME, STEP, 3, 1)
    assert [one.answer["kind"] for one in rules(orchestra).rules] == ["unsure", "bug", "task"]
    assert answers(ran(orchestra, limit=1))[0]["output"]["kind"] == "unsure"
    orchestra.rules.remove(OWNER, NAME, STEP, 1)
    assert [(one.answer["kind"], one.answered) for one in rules(orchestra).rules] == [("bug", 1), ("task", 0)]
    for _ in range(2):
        orchestra.rules.remove(OWNER, NAME, STEP, 1)
    assert rules(orchestra).rules == []
    assert "rules" not in orchestra.workflows.get(OWNER, NAME).text
    said = [one.saved_by for one in orchestra.versions.list(OWNER, NAME)]
    assert len(said) > 5, "each change has an earlier version"


def test_a_plan_and_the_run_that_applies_it_follow_the_rule(orchestra: Orchestra, standins: StandIns) -> None:
    arrives(standins, "news@shop.example", "Sale")
    add(orchestra, "task", sender="shop.example")
    before = asked(standins)
    plan = orchestra.plans.make(OWNER, NAME, {"limit": 1})
    orchestra.runs.wait(OWNER, plan, PATIENCE_SECONDS)
    assert rules(orchestra).rules[0].answered == 0, "a plan does nothing yet"
    run = ended(orchestra, orchestra.plans.apply(OWNER, plan))
    assert answers(run)[0]["by_rule"]["answer"] == {"kind": "task"}
    assert asked(standins) == before
    assert rules(orchestra).rules[0].answered == 1


def test_two_corrections_propose_a_rule_that_nobody_has_accepted(orchestra: Orchestra, standins: StandIns) -> None:
    for number in (1, 2, 3):
        arrives(standins, "Shop <news@shop.example>", f"The app crashes, says reader {number}")
    run, again = ran(orchestra, limit=4), ran(orchestra, limit=1)
    wrong = f"each_mail[0].{STEP}"
    first = orchestra.corrections.correct(OWNER, run["run_id"], wrong, {"kind": "nothing"})
    ended(orchestra, first.run_id)
    assert rules(orchestra).proposals == [], "one correction says nothing about the next mail"
    second = orchestra.corrections.correct(OWNER, again["run_id"], wrong, {"kind": "nothing"})
    ended(orchestra, second.run_id)
    assert rules(orchestra).proposals == [], "the same mail in another run is no other mail"

    third = orchestra.corrections.correct(OWNER, run["run_id"], f"each_mail[1].{STEP}", {"kind": "nothing"})
    ended(orchestra, third.run_id)

    corrected = f"each_mail[1].{STEP}"
    for kind in ("task", "nothing"):  # changed, and changed back
        step = orchestra.corrections.correct(OWNER, third.run_id, corrected, {"kind": kind})
        ended(orchestra, step.run_id)
        assert len(rules(orchestra).proposals) == (kind == "nothing")
        third = step

    found = rules(orchestra)
    [proposed] = found.proposals
    assert (proposed.when, proposed.answer) == ({"from": "news@shop.example"}, {"kind": "nothing"})
    assert (proposed.corrections, proposed.matches, proposed.wrong) == (2, 3, 1)
    assert [(one.answer["kind"] == "nothing", one.is_corrected) for one in proposed.mails] == [
        (False, False),
        (True, True),
        (True, True),
    ]
    assert found.rules == [], "nothing is accepted by itself"
    orchestra.rules.add(OWNER, NAME, STEP, {**proposed.when, "answer": proposed.answer})
    accepted = rules(orchestra)
    assert (len(accepted.rules), accepted.proposals) == (1, [])
    before = asked(standins)
    assert answers(ran(orchestra, limit=1))[0]["output"]["kind"] == "nothing"
    assert asked(standins) == before


WRONG = {
    '"x"': ("must be an object", "Write it as an object"),
    '{"from": "a@b.example"}': ("answer", ""),
    '{"answer": {"kind": "task"}}': ("no condition", "from, list"),
    '{"from": "Ann", "answer": {"kind": "task"}}': ("'Ann'", "news@example.org"),
    '{"list": "", "answer": {"kind": "task"}}': ("'list' is empty", "Write a text"),
    '{"list": "a", "answer": {"kind": "tasks"}}': ('"tasks"', '"task", "bug"'),
    '{"list": "a", "answer": {"kin": "task"}}': ("'kin'", "'kind'"),
    '{"list": "a", "answer": {"title": "T"}}': ("'kind', too", '"task"'),
    '{"list": "{{ a }}", "answer": {"kind": "task"}}': ("expression", "itself"),
    '{"from": "*@b.example", "answer": {"kind": "task"}}': ("'*@b.example'", "news@example.org"),
    '{"list": "a", "answer": {"kind": "task", "title": "{{ a }}"}}': ("'title' cannot be an expression", "itself"),
    '{"list": "a", "answer": {"kind": "{{ a }}"}}': ("'kind' cannot be an expression", "itself"),
    '{"sender": "a@b.example", "answer": {"kind": "task"}}': ("'sender'", ""),
}
"""Rules as JSON, each with what the message and the remedy must have."""


def test_a_rule_that_cannot_be_is_refused_with_place_and_remedy(orchestra: Orchestra) -> None:
    before = orchestra.workflows.get(OWNER, NAME).text
    for rule, (said, remedy) in WRONG.items():
        with pytest.raises(InvalidInput) as caught:
            orchestra.rules.add(OWNER, NAME, STEP, json.loads(rule))
        assert said in caught.value.message, rule
        assert remedy in (caught.value.remedy or ""), rule
        assert caught.value.details["field"].startswith("rule"), rule
    assert orchestra.workflows.get(OWNER, NAME).text == before


def test_what_is_not_there_and_who_may_not_is_refused(orchestra: Orchestra) -> None:
    rule = {"from": "shop.example", "answer": {"kind": "task"}}
    with pytest.raises(InvalidInput, match="asks no model"):
        orchestra.rules.add(OWNER, NAME, "label", rule)
    with pytest.raises(InvalidInput, match="no step 'clasify'"):
        orchestra.rules.add(OWNER, NAME, "clasify", rule)
    with pytest.raises(UnknownName):
        orchestra.rules.of(OWNER, "none")
    with pytest.raises(UnknownName, match="rule of the step"):
        orchestra.rules.remove(OWNER, NAME, STEP, 1)
    with pytest.raises(StaleEdit):
        orchestra.rules.add(OWNER, NAME, STEP, rule, known_etag="old")
    viewer = Principal("eve", "viewer")
    assert rules(orchestra, viewer).rules == []
    with pytest.raises(NotAllowed):
        orchestra.rules.add(viewer, NAME, STEP, rule)


def test_a_workflow_that_cannot_run_says_why(orchestra: Orchestra, root: Path) -> None:
    path = root / "workflows" / f"{NAME}.json"
    path.write_text(path.read_text().replace('"llm.extract"', '"llm.extracts"'))
    with pytest.raises(InvalidFile, match=r"llm\.extracts"):
        orchestra.rules.of(OWNER, NAME)


def test_a_loop_over_one_call_and_a_mail_that_a_step_reads_have_rules_too(
    orchestra: Orchestra, root: Path, standins: StandIns
) -> None:
    arrives(standins, "news@shop.example", "Sale")
    asks: dict[str, Any] = {
        "uses": "llm.classify",
        "with": {"text": "{{ mail.text }}", "labels": ["task", "other"]},
        "rules": [{"from": "shop.example", "answer": {"label": "other"}}],
    }
    read = {"id": "read", "uses": "gmail.get_message", "with": {"message": "{{ steps.mails.output.messages[0].id }}"}}
    steps = [
        {"id": "mails", "uses": "gmail.search_messages", "with": {"limit": 2}},
        {"id": "each", "foreach": "{{ steps.mails.output.messages }}", "as": "mail", **asks},
        read,
        {"id": "one", **asks, "with": {**asks["with"], "text": "{{ steps.read.output.text }}"}},
    ]
    (root / "workflows" / "small.json").write_text(json.dumps({"schema_version": 1, "steps": steps}))
    before = asked(standins)
    run = ended(orchestra, orchestra.runs.start(OWNER, "small", {}))
    ruled = {one["path"]: one["output"]["label"] for one in run["steps"] if "by_rule" in one}
    assert ruled == {"each[0].each": "other", "one": "other"}
    assert asked(standins) == before + 1
    found = orchestra.rules.of(OWNER, "small")
    assert [(one.step, one.rules[0].answered) for one in found.steps] == [("each", 1), ("one", 1)]


def test_rules_are_refused_where_there_is_no_mail_or_no_choice(orchestra: Orchestra, root: Path) -> None:
    rule = [{"subject_is": "a", "answer": {"label": "x"}}]
    labels = {"text": "a", "labels": ["x", "y"]}
    steps = [
        {"id": "blind", "uses": "llm.classify", "with": labels, "rules": rule},
        {"id": "set", "uses": "flow.set", "with": {"value": 1}, "rules": rule},
    ]
    text = json.dumps({"schema_version": 1, "steps": steps})
    found = [(one.code, one.message) for one in orchestra.workflows.check(OWNER, "small", text)]
    assert ("rules", "This step is not about a mail, so it cannot have rules.") in found
    said = "Rules need a step whose model chooses among fixed answers."
    assert ("rules", said) in found


def test_a_rule_says_which_fields_it_leaves_empty_that_a_step_uses_for_its_answer(orchestra: Orchestra) -> None:
    def said(**answer: str) -> str:
        return orchestra.rules.left_empty(OWNER, NAME, STEP, answer)

    task = "'title' stays empty, and is used by Write a task. 'summary' stays empty, and is used by Write a task."
    assert said(kind="task") == task
    assert said(kind="bug") == task.replace("Write a task", "Open an issue")
    assert said(kind="task", title="By hand") == "'summary' stays empty, and is used by Write a task."
    assert said(kind="task", title="By hand", summary="-") == ""
    assert said(kind="nothing") == "", "the steps that use the fields do not run"
    add(orchestra, "bug", sender="a@shop.example")
    add(orchestra, "nothing", sender="b@shop.example")
    assert [one.left_empty for one in rules(orchestra).rules] == [said(kind="bug"), ""]


CONDITIONS = {
    "{{ steps.classify.output.kind != 'bug' }}": "is",
    "{{ steps.classify.output.kind in ['bug', 'unsure'] }}": "",
    "{{ mail.subject != '' && steps.classify.output.kind == 'bug' }}": "",
    "{{ mail.subject != '' || steps.classify.output.kind == 'task' }}": "is",
    "{{ mail.subject != '' && steps.classify.output.kind == 'task' }}": "may be",
    "{{ mail.subject != '' }}": "may be",
    "{{ steps.classify.output.title != '' }}": "",
    "{{ !has(steps.issue.output) }}": "is",
    "{{ has(steps.issue.output) }}": "",
    "{{ steps.issue.status == 'succeeded' }}": "",
    "{{ default(steps.issue.output.number, 0) > 0 }}": "",
    "{{ has(steps.page.output) }}": "may be",
}
"""Conditions of a step that uses the title, each with what is said of it if a rule answers 'task'."""


@pytest.mark.parametrize(("condition", "said"), CONDITIONS.items())
def test_a_warning_is_as_certain_as_the_conditions(orchestra: Orchestra, root: Path, condition: str, said: str) -> None:
    document = json.loads((root / "workflows" / f"{NAME}.json").read_text())
    asks, _, issue, *_ = document["steps"][1]["steps"]
    page = {"id": "page", "uses": "flow.set", "if": "{{ mail.text != '' }}", "with": {"values": {"at": 1}}}
    inner = {"id": "inner", "uses": "flow.set", "with": {"values": {"at": "{{ steps.classify.output.title }}"}}}
    group = {"id": "group", "if": condition, "steps": [inner]}
    document["steps"][1]["steps"] = [asks, issue, page, group]
    document["outputs"] = {}
    (root / "workflows" / f"{NAME}.json").write_text(json.dumps(document))
    expected = f"'title' stays empty, and {said} used by " if said else ""
    answer = {"kind": "task", "summary": "-"}
    found = orchestra.rules.left_empty(OWNER, NAME, STEP, answer)
    assert found.startswith(expected)
    assert ("inner" in found) is bool(said)
