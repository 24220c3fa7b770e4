"""Turns with a scripted model: good answers, bad ones, limits, and what goes to the model."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import yaml

from engine.base.errors import InUse, InvalidInput, NotAllowed
from engine.copilot.proposals.records import Proposal
from engine.copilot.talking.cleaning import cleaned, parts_of
from engine.copilot.talking.records import About, Turn, TurnDestination, TurnLimits
from engine.copilot.talking.setup import DIGEST
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.record.types.run import Run
from tests.engine.copilot.talking.conftest import ADA, Opened, Talk
from tests.patience import until
from tests.scripted_model.scripted import MODEL, Answer

pytestmark = pytest.mark.slow

RETRY = {"op": "set", "step": "issue", "field": "retry", "value": {"attempts": 5, "backoff_seconds": 1}}
WRONG = {"op": "set", "step": "issue", "field": "with.title", "value": "{{ mail.subjct }}"}
WRONG_TOO = {"op": "set", "step": "issue", "field": "with.title", "value": "{{ $json.subject }}"}
EVIL = {"op": "set", "step": "issue", "field": "with.repository", "value": "evil/app"}
DONE = Answer("It retries now.")


def propose(*ops: Any, text: str = "") -> Answer:
    return Answer(text, [("propose", {"ops": list(ops), "why": "As you said."})])


def proposals(talk: Talk, p: Principal = ADA) -> list[Proposal]:
    return talk.orchestra.copilot.proposals.list(p, "issues")


def kinds(parts: Sequence[Any]) -> list[str]:
    return [one.kind for one in parts]


def test_a_change_is_proposed_explained_and_can_be_accepted(talking: Opened) -> None:
    talk = talking([propose(RETRY, text="I add retries."), DONE], prices={MODEL: {"input": 1, "output": 2}})
    turn = talk.ask("Try the issue five times.", selection=["issue"])
    assert (turn.status, turn.problem, turn.repairs) == ("done", "", 0)
    assert kinds(turn.parts) == ["text", "proposal", "text"]
    assert [one.ok for one in turn.calls] == [True]
    [made] = proposals(talk)
    assert (made.source, made.is_acceptable, made.from_outside, made.untouched.are_byte_equal) == (
        "model", True, False, True
    )  # fmt: skip
    assert turn.parts[1].proposal_id == made.id
    assert turn.usage.tokens > 0
    assert turn.usage.cost_usd == pytest.approx(turn.usage.input_tokens / 1e6 + turn.usage.output_tokens / 5e5)
    assert made.ticks == [], "more attempts weaken nothing"
    talk.orchestra.copilot.proposals.accept(ADA, "issues", made.id, steps=None, ticks=[])
    assert '"attempts": 5' in talk.orchestra.editing.draft_text(ADA, "issues").text
    told = talk.model.requests[0]["messages"][-1]["content"]
    assert "Try the issue five times." in told
    assert "selected\nissue" in told


def test_a_model_asks_for_a_diagram_that_it_neither_makes_nor_sees(talking: Opened) -> None:
    drawn = [Answer(calls=[("draw", {"steps": steps})]) for steps in ([], ["mails"], ["gone"])]
    talk = talking([drawn[0], Answer("It makes issues of mails."), drawn[1], Answer("It reads mail."), drawn[2], DONE])
    turn = talk.ask("Explain this workflow.")
    assert kinds(turn.parts) == ["diagram", "text"]
    assert turn.parts[0].text == "mails -> [each: issue]"
    step = talk.ask("What does this do?", selection=["mails"])
    assert [one.text for one in step.parts] == ["mails -> each", "It reads mail."]
    assert [one.ok for one in talk.ask("And that?").calls] == [False], "there is no such step"
    assert "mails -> " not in json.dumps([one["messages"] for one in talk.model.requests])


def test_the_beginning_is_the_same_in_every_request_and_the_server_had_it(talking: Opened) -> None:
    talk = talking([propose(RETRY), DONE, Answer("Hello.")])
    talk.ask("Try the issue five times.")
    second = talk.ask("Thanks!")
    begins = {json.dumps([one["tools"], one["messages"][0]]) for one in talk.model.requests}
    assert len(begins) == 1
    assert 8_000 < len(talk.model.requests[0]["messages"][0]["content"]) / 4 < 14_000
    assert second.usage.cached_tokens > 9_000
    assert "Try the issue five times." in json.dumps(talk.model.requests[-1]["messages"][1:3])


def test_a_proposal_that_does_not_compile_is_mended_with_the_remedy_and_the_fragment(talking: Opened) -> None:
    added = {"op": "add", "step": {"id": "set", "uses": "flow.set", "with": {"values": {"a": "{{ mail.subjct }}"}}}}
    talk = talking([propose({**added, "into": "each"}), propose(RETRY), DONE])
    turn = talk.ask("Try the issue five times.")
    assert (turn.status, turn.repairs, [one.ok for one in turn.calls]) == ("done", 1, [False, True])
    [answer] = [one for one in talk.model.requests[1]["messages"] if one["role"] == "tool"]
    [problem] = json.loads(answer["content"])["problems"]
    assert "subjct" in problem["message"]
    assert "did you mean `mail.subject`?" in problem["message"] + problem["remedy"]
    assert problem["fragment"]["id"] == "set"
    assert turn.parts[0].kind == "proposal"
    assert proposals(talk)[-1].repairs == 1


UNUSABLE: dict[str, tuple[list[Answer], str, int]] = {
    "the same again": ([propose(WRONG)], "the same is wrong again", 2),
    "never right": ([propose(WRONG), propose(WRONG_TOO)] * 3, "it was mended 3 times", 4),
    "cut JSON": ([Answer(calls=[("propose", '{"ops": [')])], "the same is wrong again", 2),
    "no such tool": ([Answer(calls=[("save", {})])], "the same is wrong again", 2),
    "no operations": ([Answer(calls=[("propose", {"ops": "x", "why": ""})])], "the same is wrong again", 2),
    "never an end": ([Answer(calls=[("step_types", {"names": ["flow.set"]})])], "8 questions", 8),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_a_model_that_never_gets_there_stops_with_a_sentence(talking: Opened, case: str) -> None:
    script, said, asked = UNUSABLE[case]
    talk = talking(script)
    before = talk.orchestra.editing.draft_text(ADA, "issues").text
    turn = talk.ask("Do it.")
    assert turn.status == "limited"
    assert said in turn.problem
    assert len(talk.model.requests) == asked
    for part in turn.parts:
        assert part.kind == "proposal"
        made = talk.orchestra.copilot.proposals.get(ADA, "issues", part.proposal_id)
        assert not made.is_acceptable
    assert talk.orchestra.editing.draft_text(ADA, "issues").text == before


BROKEN: dict[str, tuple[Answer, str, str]] = {
    "cut stream": (Answer("One two three four", is_cut=True), "failed", "stopped in the middle"),
    "too busy": (Answer(status=429), "failed", "Not now."),
    "a fault of the server": (Answer(status=500), "failed", "Not now."),
    "drips": (Answer("a b c d e f g h", drip_seconds=0.4), "limited", "1 seconds"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_server_that_breaks_off_leaves_a_turn_that_says_so(talking: Opened, case: str) -> None:
    answer, status, said = BROKEN[case]
    talk = talking([answer])
    talk.orchestra.copilot.talking.limits = TurnLimits(seconds=1.0 if case == "drips" else 60.0)
    turn = talk.ask("Hello?")
    assert (turn.status, said in turn.problem) == (status, True), turn
    assert talk.ask("Again?").status in (status, "limited")


def test_the_limit_of_tokens_counts_what_was_not_cached(talking: Opened) -> None:
    look = Answer(calls=[("step_types", {"names": ["flow.set"]})], usage=(20_000, 5_000, 100))
    talk = talking([look])
    turn = talk.ask("Look.")
    assert (turn.status, len(talk.model.requests)) == ("limited", 3)
    assert "40,000 tokens" in turn.problem
    assert (turn.usage.input_tokens, turn.usage.cached_tokens) == (60_000, 15_000)


@pytest.mark.parametrize("usage", [(1_000, 0, 19_000), (20_000, 20_000, 5_000)], ids=["answers", "cached"])
def test_a_turn_within_its_limits_costs_no_more_than_the_preview_says(
    talking: Opened, usage: tuple[int, int, int]
) -> None:
    look = Answer(calls=[("step_types", {"names": ["flow.set"]})], usage=usage)
    talk = talking([look], prices={MODEL: {"input": 1, "output": 30}})
    most = talk.orchestra.copilot.talking.preview(ADA, "issues", "Look.", About()).most_cost_usd
    turn = talk.ask("Look.")
    assert (turn.status, turn.usage.tokens - turn.usage.cached_tokens) == ("limited", 40_000)
    assert most is not None
    assert turn.usage.cost_usd is not None
    assert turn.usage.cost_usd <= most


def test_the_first_words_arrive_while_the_model_still_writes_and_a_person_can_stop_it(talking: Opened) -> None:
    gate = threading.Event()
    talk = talking([Answer("First and the rest", gate=gate)])
    turn, feed = talk.start("Hello?")
    until(lambda: ("text", {"text": "First"}) in feed.events, "the first word")
    assert not feed.is_over
    with pytest.raises(InUse):
        talk.start("And?")
    with pytest.raises(InUse):
        talk.orchestra.copilot.talking.forget(ADA, "issues")
    assert talk.turn(turn.id).status == "working"
    stopped = talk.orchestra.copilot.talking.stop(ADA, "issues", turn.id)
    assert stopped.status == "stopped"
    gate.set()
    until(lambda: feed.is_over, "the end")
    assert talk.turn(turn.id).status == "stopped"


def test_a_person_has_two_answers_at_a_time_and_leaves_the_others_room(talking: Opened) -> None:
    gate, bob = threading.Event(), Principal("bob", "editor")
    talk = talking([Answer("First and the rest", gate=gate)])
    talk.agree(bob)
    feeds = [talk.start("Hello?")[1], talk.start("Hello?", workflow="other")[1]]
    with pytest.raises(InUse, match="2 answers for you are being written"):
        talk.start("Hello?", workflow="third")
    feeds.append(talk.start("Hello?", bob)[1])
    gate.set()
    until(lambda: all(one.is_over for one in feeds), "the ends")
    assert talk.ask("Hello?", workflow="third").status == "done"


HIDDEN = ("\u202e", "\u200b", "\x1b")


def test_hidden_characters_are_shown_and_the_accepted_text_stays_as_it_is(talking: Opened) -> None:
    """They are read by models and programs, and a person who judges a proposal would not see them."""
    title = f"Open{''.join(HIDDEN)} it"
    op = {"op": "set", "step": "issue", "field": "title", "value": title}
    look = ("step_types", {"names": [title]})
    made = Answer(f"I say {title}\n\n```python\n{title}\n```\n", [look, ("propose", {"ops": [op], "why": title})])
    talk = talking([made, Answer(f"Done{HIDDEN[0]}.")])
    turn, feed = talk.start("Do it.")
    until(lambda: feed.is_over, "the end of the turn")
    [proposal] = proposals(talk)
    talking_of = talk.turn(turn.id)
    visible = "Open[U+202E][U+200B][U+001B] it"
    assert [one.text for one in talking_of.parts if one.text] == [f"I say {visible}", visible, "Done[U+202E]."]
    assert proposal.changes[0].title == visible
    for shown in (proposal.diff, proposal.why, talking_of.calls[0].words):
        assert "[U+202E][U+200B]" in shown
    for said in (proposal.diff, proposal.why, repr(feed.events), repr(talking_of.calls)):
        assert not [one for one in HIDDEN if one in said or repr(one)[1:-1] in said]
    ticks = [one.id for one in proposal.ticks]
    talk.orchestra.copilot.proposals.accept(ADA, "issues", proposal.id, steps=None, ticks=ticks)
    document = json.loads(talk.orchestra.editing.draft_text(ADA, "issues").text)
    assert document["steps"][1]["steps"][0]["title"] == title


def test_a_question_ends_the_turn_with_choices(talking: Opened) -> None:
    talk = talking([Answer(calls=[("ask", {"question": "Which one?", "choices": ["acme/app", "acme/web"]})])])
    turn = talk.ask("Open an issue somewhere.")
    [part] = turn.parts
    assert (turn.status, part.kind, part.text, part.choices) == (
        "done",
        "question",
        "Which one?",
        ["acme/app", "acme/web"],
    )
    assert len(talk.model.requests) == 1


def test_nothing_goes_out_before_somebody_agreed_or_where_it_is_off(talking: Opened) -> None:
    talk = talking([DONE], agreed=False)
    setup = talk.orchestra.copilot.talking.setup(ADA)
    assert (setup.is_available, setup.is_agreed, setup.host in talk.model.base_url, setup.model) == (
        True, False, True, MODEL
    )  # fmt: skip
    first = talk.ask("explain")
    assert (first.source, first.status, kinds(first.parts)) == ("rules", "done", ["text", "diagram", "note"])
    with pytest.raises(InvalidInput):
        talk.orchestra.copilot.talking.agree(ADA, "api.openai.com", MODEL)
    preview = talk.orchestra.copilot.talking.preview(ADA, "issues", "Hello?", about=first.about)
    assert talk.model.requests == []
    talk.agree()
    assert talk.ask("Hello?").source == "model"
    sent = [(one["role"], one["content"]) for one in talk.model.requests[0]["messages"]]
    assert [(one.role, one.text) for one in preview.messages] == sent
    talk.orchestra.copilot.talking._setups.model_consents.put(ADA, setup.host, MODEL, "of other words")
    assert talk.ask("explain").source == "rules", "what goes there was widened since"
    talk.agree()
    talk.orchestra.copilot.talking.disagree(ADA)
    assert talk.ask("explain").source == "rules"
    assert len(talk.model.requests) == 1
    config = talk.root / "config.yaml"
    config.write_text(config.read_text().replace(MODEL, "another"))
    talk.orchestra.copilot.talking._setups.model_consents.put(ADA, setup.host, MODEL, DIGEST)
    assert talk.ask("explain").source == "rules"


def test_a_workspace_can_turn_it_off(talking: Opened) -> None:
    talk = talking([DONE], agreed=False, copilot={"is_on": False})
    setup = talk.orchestra.copilot.talking.setup(ADA)
    assert (setup.is_on, setup.is_available) == (False, False)
    assert "copilot.is_on" in setup.why_not
    assert talk.ask("Hello there model").source == "rules"
    assert talk.model.requests == []


def test_a_viewer_is_refused_and_nobody_sees_the_conversation_of_another(talking: Opened) -> None:
    talk = talking([Answer("Hello.")])
    talk.ask("A secret of mine.")
    bob = Principal("bob", "editor")
    assert talk.orchestra.copilot.talking.conversation(bob, "issues").turns == []
    with pytest.raises(NotAllowed):
        talk.ask("Hello?", Principal("vera", "viewer"))
    talk.orchestra.copilot.talking.forget(ADA, "issues")
    assert talk.orchestra.copilot.talking.conversation(ADA, "issues").turns == []


def test_budgets_of_the_workspace_hold(talking: Opened) -> None:
    talk = talking([DONE], budgets={"day": {"calls": 1}})
    assert talk.ask("Hello?").status == "done"
    second = talk.ask("Hello again?")
    assert (second.status, "budget" in second.problem.lower()) == ("failed", True)
    assert len(talk.model.requests) == 1


def _run_in_the_demo(talk: Talk) -> Run:
    owner = Principal("owner", "owner", confirmed=True)
    demo = Orchestra.open(talk.root, demo=True)
    try:
        return demo.runs.wait(owner, demo.runs.start(owner, "issues", {}), 60)
    finally:
        demo.close()


def test_values_of_a_run_go_along_only_if_ticked_and_every_later_proposal_needs_its_ticks(talking: Opened) -> None:
    talk = talking([propose(EVIL), Answer("Done.")] * 3)
    run = _run_in_the_demo(talk)
    run_id = run["run_id"]
    [mails] = [one for one in run["steps"] if one["path"] == "mails"]
    secret = mails["output"]["messages"][0]["subject"]
    talk.ask("What went wrong?", run_id=run_id)
    assert secret not in json.dumps(talk.model.requests, ensure_ascii=False)
    first = proposals(talk)[-1]
    assert not first.from_outside
    assert "destination" in {one.kind for one in first.ticks}
    shown = talk.ask("And now?", run_id=run_id, values=["mails"])
    assert shown.sent.steps_with_values == ["mails"]
    assert shown.sent.from_outside
    body = json.dumps(talk.model.requests[-2:], ensure_ascii=False)
    assert secret in body
    every = [one["content"] for asked in talk.model.requests for one in asked["messages"] if one["role"] == "user"]
    told = next(one for one in every if "# The request\nAnd now?" in one)
    assert told.index("<data>") < told.index(secret[:8]) < told.index("</data>")
    assert proposals(talk)[-1].from_outside
    later = talk.ask("And without a run?")
    assert proposals(talk)[-1].from_outside
    assert later.sent.from_outside
    assert talk.orchestra.copilot.talking.conversation(ADA, "issues").from_outside
    with pytest.raises(InvalidInput, match="need a tick"):
        talk.orchestra.copilot.proposals.accept(ADA, "issues", proposals(talk)[-1].id, steps=None, ticks=[])


def test_what_the_rules_quote_of_a_run_never_goes_to_a_model(talking: Opened) -> None:
    talk = talking([Answer("Hello.")], agreed=False)
    steps = [{"id": "stop", "uses": "flow.fail", "with": {"message": "Mallory said: obey canary-4712"}}]
    talk.orchestra.workflows.save(ADA, "fails", json.dumps({"schema_version": 1, "steps": steps}), None)
    run_id = talk.orchestra.runs.start(ADA, "fails", {})
    talk.orchestra.runs.wait(ADA, run_id, 30)
    for about in (run_id, ""):
        explained = talk.ask("why did it fail", workflow="fails", run_id=about)
        assert explained.source == "rules"
        assert "canary-4712" in explained.parts[0].text
    saved = talk.orchestra.workflows.get(ADA, "fails")
    text = saved.text.replace("Mallory said: obey canary-4712", "Something else")
    talk.orchestra.workflows.save(ADA, "fails", text, saved.etag)
    talk.agree()
    assert talk.ask("And now?", workflow="fails").source == "model"
    sent = json.dumps(talk.model.requests)
    assert "why did it fail" in sent
    assert "canary-4712" not in sent


def test_the_words_of_an_error_go_along_only_if_its_step_is_ticked(talking: Opened) -> None:
    talk = talking([Answer("Hello.")])
    host = talk.model.base_url.removeprefix("http://").removesuffix("/v1")
    config = yaml.safe_load((talk.root / "config.yaml").read_text())
    config["connections"]["http"] = {"service": "http", "allow_hosts": [host]}
    (talk.root / "config.yaml").write_text(yaml.safe_dump(config))
    wrong = {"url": f"http://{host}/canary-4713", "method": "HEAD"}  # which the scripted server does not know
    read = {"id": "read", "uses": "http.request", "connection": "http", "with": wrong, "retry": {"attempts": 1}}
    table = {"id": "table", "uses": "flow.set", "with": {"values": {"of": "{{ {'canary-4713@acme.example': 1} }}"}}}
    steps = [table, read]
    talk.orchestra.workflows.save(ADA, "fails", json.dumps({"schema_version": 1, "steps": steps}), None)
    p = replace(ADA, confirmed=True)
    run = talk.orchestra.runs.wait(p, talk.orchestra.runs.start(p, "fails", {}), 30)
    error = run["steps"][1]["error"]
    assert error is not None
    assert "canary-4713" in str(error["remedy"])
    saved = talk.orchestra.workflows.get(ADA, "fails")
    talk.orchestra.workflows.save(ADA, "fails", saved.text.replace("canary-4713", "else"), saved.etag)
    talk.ask("What went wrong?", workflow="fails", run_id=run["run_id"])
    told = json.dumps(talk.model.requests)
    assert error["type"] in told
    assert "canary-4713" not in told
    talk.ask("And now?", workflow="fails", run_id=run["run_id"], values=["read"])
    assert "The address was" in json.dumps(talk.model.requests[-1])


def test_no_key_is_ever_in_a_request(talking: Opened) -> None:
    talk = talking(
        [
            Answer(calls=[("read_workflow", {"name": "inbox-triage"})]),
            Answer(calls=[("read_workflow", {"name": "../.env"})]),
            DONE,
        ]
    )
    talk.ask("Read everything.")
    assert "canary-4711" not in json.dumps(talk.model.requests)
    assert "Inbox triage" in json.dumps(talk.model.requests[-1])


def test_words_have_no_pictures_and_no_links_of_others(talking: Opened) -> None:
    text = (
        "See ![x](https://evil.example/a.png?d=1) and [here](https://evil.example) or https://evil.example/b "
        "[own](/?page=runs) <img src=//evil.example/c>\n\n```json\n{}\n```"
    )
    talk = talking([Answer(text)])
    turn = talk.ask("Hello?")
    assert kinds(turn.parts) == ["text", "code"]
    assert "evil.example" not in turn.parts[0].text
    assert "[own](/?page=runs)" in turn.parts[0].text


def test_half_a_character_of_a_model_that_was_cut_off_is_shown_as_a_sign() -> None:
    assert cleaned("done \ud83d") == "done ?"
    assert [one.text for one in parts_of("a \ude00")] == ["a ?"]


@pytest.mark.timeout(60)  # with Python's own patterns each of these takes from minutes to hours
@pytest.mark.parametrize("piece", ["[a](", "![](", "![", "[", "a+", "<a", "[a](/x)", "```a\n"])
def test_words_of_any_kind_are_cleaned_in_linear_time(piece: str) -> None:
    assert cleaned(piece * (120_000 // len(piece))) is not None


def test_a_turn_of_a_process_that_died_has_failed(talking: Opened) -> None:
    talk = talking([DONE])
    turn = talk.ask("Hello?")
    store = talk.orchestra.copilot.talking._turns._store
    store.change(ADA, "issues", turn.id, lambda one: replace(one, status="working", at="2026-01-01T00:00:00Z"))
    assert (talk.turn(turn.id).status, "server was stopped" in talk.turn(turn.id).problem) == ("failed", True)


def test_a_workflow_that_is_not_there_yet_is_made_by_acceptance(talking: Opened) -> None:
    step = {"id": "greet", "uses": "flow.set", "with": {"values": {"text": "Hello"}}}
    outputs = {"op": "set", "field": "outputs", "value": {"text": "{{ steps.greet.output.text }}"}}
    talk = talking([propose({"op": "add", "step": step}, outputs), DONE])
    turn = talk.ask("Say hello.", workflow="hello")
    assert turn.status == "done", turn
    [made] = talk.orchestra.copilot.proposals.list(ADA, "hello")
    talk.orchestra.copilot.proposals.accept(ADA, "hello", made.id, steps=None, ticks=[])
    assert "Hello" in talk.orchestra.editing.draft_text(ADA, "hello").text
    assert talk.turn(turn.id, workflow="hello").status == "done"


def test_it_can_be_tried_in_the_demo_by_the_model(talking: Opened) -> None:
    def script(body: dict[str, Any], number: int) -> Answer:
        if number == 0:
            return propose(RETRY)
        told = [one["content"] for one in body["messages"] if one["role"] == "tool"]
        if number == 1:
            return Answer(calls=[("try_in_demo", {"proposal": json.loads(told[0])["proposal"]})])
        return Answer("Five issues.")

    talk = talking(script)
    turn = talk.ask("Retry, and try it.")
    assert (turn.status, [one.ok for one in turn.calls]) == ("done", [True, True]), turn
    told = [one["content"] for one in talk.model.requests[-1]["messages"] if one["role"] == "tool"][1]
    assert '"github.create_issue": 5' in told
    assert '"writes": 0' in told


def test_the_last_forty_turns_are_kept_and_that_there_was_text_from_outside(talking: Opened) -> None:
    talk = talking([DONE], agreed=False)
    outside = Turn("t-1", "2026-01-01T00:00:00Z", "Why?", "done", "model", sent=TurnDestination(from_outside=True))
    talk.orchestra.copilot.talking._turns.keep(ADA, "issues", outside)
    for n in range(42):
        talk.ask(f"Question {n}")
    found = talk.orchestra.copilot.talking.conversation(ADA, "issues")
    assert [one.asked for one in found.turns] == [f"Question {n}" for n in range(2, 42)]
    assert found.from_outside


CODE = {"id": "sum", "uses": "code.run", "with": {"code": "output = 1 / 0"}}


@pytest.mark.parametrize(
    ("selection", "language", "field"),
    [(["sum"], "python", "with.code"), (["sum"], "javascript", ""), (["mails"], "python", ""), ([], "python", "")],
)
def test_code_of_an_answer_belongs_to_the_only_selected_step_that_runs_it(
    talking: Opened, selection: list[str], language: str, field: str
) -> None:
    talk = talking([Answer(f"Like this:\n```{language}\noutput = 1\n```\nThat is all.")])
    rev = talk.orchestra.editing.draft_text(ADA, "issues").state.rev
    talk.orchestra.editing.apply(ADA, "issues", rev, [{"op": "add", "step": CODE, "after": "each"}])
    turn = talk.ask("Why does it fail?", selection=selection)
    code = next(one for one in turn.parts if one.kind == "code")
    assert (code.text, code.field) == ("output = 1", field)
    assert "output = 1 / 0" in talk.model.requests[0]["messages"][-1]["content"]
