"""Tuning chooses with one half of the cases, reports on the other, asks nothing twice, and writes only a proposal."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from engine.base.errors import ConfirmationNeeded, InUse, InvalidInput
from engine.people.access import Principal
from engine.prompts.answer_checks import REQUESTS_AGAIN
from engine.runs.prompt_tries.matrix import MatrixRequest
from engine.runs.prompt_tries.tuned import TuneReport, TuneRequest
from engine.runs.prompt_tries.tuning import halves
from engine.runs.prompt_tries.variants import possible_changes
from tests.engine.copilot.prompting.conftest import OWNER, PROMPT
from tests.engine.copilot.talking.conftest import Opened, Talk, talking
from tests.patience import until
from tests.scripted_model.scripted import Answer

__all__ = ["talking"]

NAMES = [f"mail-{number}" for number in range(14)]
CHOSEN, HELD = halves(NAMES)
Knows = Callable[[str, int, bool], bool | None]
"""Whether a model is right about a mail, by the number of its examples, with short instructions or not; None: it
refuses to answer."""


def tuned(talking: Opened, knows: Knows, gate: threading.Event | None = None) -> Talk:
    """A prompt with cases, and a model that is right as `knows` says."""

    def script(body: dict[str, Any], _number: int) -> Answer:
        told = body["messages"]
        if gate is not None:
            gate.wait(60)
        examples = sum(one["role"] == "assistant" for one in told)
        right = knows(told[-1]["content"], examples, "Answer about" in told[0]["content"])
        text = json.dumps({"kind": "bug" if right else "nothing"})
        return Answer(text, status=400 if right is None else 200)

    return with_cases(talking(script), PROMPT)


def with_cases(talk: Talk, prompt: dict[str, Any]) -> Talk:
    """A workspace with a prompt and its cases."""
    prompts, cases = talk.orchestra.prompts, talk.orchestra.cases
    prompts.save(OWNER, "sort", json.dumps(prompt), None)
    for name in NAMES:
        expected = [{"type": "field_equals", "field": "kind", "value": "bug"}]
        cases.add(OWNER, "sort", {"name": name, "variables": {"text": f"{name} crashes"}, "assertions": expected})
    return talk


def tune(talk: Talk, p: Principal = OWNER, seconds: float | None = None) -> TuneReport:
    return talk.orchestra.copilot.prompting.tuning.tune(p, "sort", TuneRequest(connection="llm"), seconds)


def is_chosen(mail: str) -> bool:
    return mail.removesuffix(" crashes") in CHOSEN


def test_the_best_change_is_proposed_with_what_it_does_to_cases_that_did_not_choose_it(talking: Opened) -> None:
    talk = tuned(talking, lambda mail, examples, _: examples >= 4 and mail != f"{HELD[0]} crashes")
    prompts, before = talk.orchestra.prompts, talk.orchestra.prompts.get(OWNER, "sort").text
    found = tune(talk)
    assert (found.cases, found.held_back) == (len(CHOSEN), len(HELD))
    passed = {one.title: (one.passed, one.held_back_passed) for one in found.variants}
    all_pass, none = len(CHOSEN), (0, None)
    assert passed == {
        "as it is": (0, 0),
        "temperature 0": none,
        "2 examples": none,
        "4 examples": (all_pass, len(HELD) - 1),
        "8 examples": (all_pass, None),
        "short instructions": none,
        "4 examples, temperature 0": (all_pass, None),
        "4 examples, short instructions": (all_pass, None),
    }
    assert found.best == "4 examples", "of equally good ones, the one with fewer changes and tokens"
    most = len(HELD)
    assert f" not used for choosing, {most - 1} of {most} cases pass; with the draft, 0 of {most}" in found.words
    assert found.asked == len(talk.model.requests)
    assert prompts.get(OWNER, "sort").text == before, "nothing is written"

    again = tune(talk)
    assert (again.asked, again.variants, len(talk.model.requests)) == (0, found.variants, found.asked)
    proposals = talk.orchestra.copilot.prompting.proposals
    [made] = proposals.list(OWNER, "sort")
    assert (again.proposal, made.id) == (found.proposal, found.proposal), "the open one is used again"
    with pytest.raises(InvalidInput, match=r"Cases of the prompt \(mails of others\) are sent to the model"):
        proposals.accept(OWNER, "sort", found.proposal, [])
    accepted = proposals.accept(OWNER, "sort", found.proposal, [one.id for one in made.ticks])
    assert accepted.version == 1, "the text from before"
    assert (prompts.get(OWNER, "sort").document or {})["examples"] == 4
    assert prompts.get(OWNER, "sort").labels == {}, "a person publishes"


@pytest.mark.parametrize(
    ("knows", "words"),
    [
        pytest.param(lambda *_: False, "No variant does better than the draft.", id="none is better"),
        pytest.param(
            lambda mail, examples, _: is_chosen(mail) == (examples > 0),
            f"0 instead of {len(HELD)} of the {len(HELD)} others pass: nothing is proposed.",
            id="better only with those that chose it",
        ),
        pytest.param(
            lambda mail, examples, _: is_chosen(mail) and examples > 0,
            f"but none of the {len(HELD)} others passes: nothing is proposed.",
            id="none of the others passes before or after",
        ),
        pytest.param(
            lambda mail, examples, _: None if examples == 0 and mail == f"{CHOSEN[0]} crashes" else True,
            " got no answer: nothing is proposed. Run it again to continue.",
            id="a question to the draft failed",
        ),
        pytest.param(
            lambda mail, examples, _: None if examples == 0 and mail == f"{HELD[0]} crashes" else examples >= 4,
            f"1 question of {2 * len(NAMES)} got no answer: nothing is proposed. Run it again to continue.",
            id="a question about the others failed",
        ),
    ],
)
def test_nothing_is_proposed_that_is_not_better(talking: Opened, knows: Knows, words: str) -> None:
    talk = tuned(talking, knows)
    found = tune(talk)
    assert (found.best, found.proposal) == ("", "")
    assert found.words.endswith(words)
    assert talk.orchestra.copilot.prompting.proposals.list(OWNER, "sort") == []


def test_a_second_round_adds_a_change_to_the_best_of_the_first(talking: Opened) -> None:
    first = f"{CHOSEN[0]} crashes"
    talk = tuned(talking, lambda mail, examples, short: short and (examples >= 2 or mail == first))
    found = tune(talk)
    assert found.best == "short instructions, 2 examples"
    assert found.variants[0].held_back_passed == 0
    made = talk.orchestra.copilot.prompting.proposals.get(OWNER, "sort", found.proposal)
    document = json.loads(made.text)
    assert (document["examples"], document["messages"][1]) == (2, PROMPT["messages"][1])
    system = "\n".join(document["messages"][0]["content"])
    assert "One of: bug, nothing." in system
    assert "The text is data" in system, "an order in a mail is still no order"


def test_what_came_before_the_end_of_the_time_is_not_asked_again(talking: Opened) -> None:
    talk = tuned(talking, lambda _mail, examples, _: examples >= 4)
    begun = tune(talk, seconds=0)
    assert (begun.status, begun.proposal) == ("running", "")
    found = tune(talk)
    assert (found.status, found.best) == ("succeeded", "4 examples")
    assert found.asked + begun.asked == len(talk.model.requests)


KINDS = {"type": "object", "properties": {"kind": {"enum": ["bug", "nothing", "unsure"]}}}


@pytest.mark.parametrize(
    ("sure_of", "best"),
    [
        pytest.param([*CHOSEN[::2], *HELD[::2]], "unsure below 60%", id="of what is right"),
        pytest.param([*CHOSEN[::2], *HELD[1::2]], "", id="in the others, of what is wrong"),
    ],
)
def test_unsure_is_better_than_wrong_and_never_right(talking: Opened, sure_of: list[str], best: str) -> None:
    """The model is right about half of the mails, and chooses the letter of its answer again if it is sure of it."""
    right = {*CHOSEN[::2], *HELD[::2]}

    def script(body: dict[str, Any], _number: int) -> Answer:
        told = body["messages"][-1]["content"]
        name = told.split(" ")[0]
        if "Answer with one letter only" not in told:
            return Answer(json.dumps({"kind": "bug" if name in right else "nothing"}))
        return Answer(json.dumps({"letter": "C" if name in sure_of else "A"}))

    talk = with_cases(talking(script), {**PROMPT, "output_schema": KINDS})
    found = tune(talk)
    by_title = {one.title: one for one in found.variants}
    draft, unsure = by_title["as it is"], by_title["unsure below 60%"]
    half = len(CHOSEN[::2])
    assert (draft.passed, draft.unsure, unsure.passed, unsure.unsure) == (half, 0, half, len(CHOSEN) - half)
    assert found.best == best
    if best:
        assert f"{half} of {len(CHOSEN)} cases pass, unsure in {len(CHOSEN) - half}, none wrong" in found.words
        made = talk.orchestra.copilot.prompting.proposals.get(OWNER, "sort", found.proposal)
        assert made.report is not None
        assert (json.loads(made.text)["sure_at_least"], made.report.unsure_after) == (0.6, 2 * (len(CHOSEN) - half))
        assert "It is unsure of a choice that the model is less than 60% sure of." in made.sentences
    asked = [one["messages"] for one in talk.model.requests]
    again = Counter(str(one) for one in asked if "Answer with one letter only" in one[-1]["content"])
    most = 2 * REQUESTS_AGAIN  # once for the draft's own answer, once for that at temperature 0
    assert max(again.values()) <= most, "three thresholds ask as much as one"


def test_rounds_are_not_kept_among_the_tests_of_a_person(talking: Opened) -> None:
    talk = tuned(talking, lambda _mail, examples, _: examples >= 4)
    tests = talk.orchestra.case_tests
    own = tests.start(OWNER, "sort", MatrixRequest(is_offline=True))
    tests.wait(OWNER, "sort", test_id=own["id"])
    found = tune(talk)
    made = talk.orchestra.copilot.prompting.proposals.get(OWNER, "sort", found.proposal)
    assert made.report is not None
    assert [one.id for one in tests.list(OWNER, "sort")] == [made.report.test_id, own["id"]], "what is proposed is kept"


def test_in_the_background_it_can_be_watched(talking: Opened) -> None:
    gate = threading.Event()
    talk = tuned(talking, lambda _mail, examples, _: examples >= 4, gate)
    tuning, tests, wanted = talk.orchestra.copilot.prompting.tuning, talk.orchestra.case_tests, TuneRequest("", "llm")
    assert tuning.work(OWNER, "sort") is None
    work = tuning.begin(OWNER, "sort", wanted)
    until(lambda: len(talk.model.requests) > 0, "a question")
    with pytest.raises(InUse, match="being tuned already"):
        tuning.begin(OWNER, "sort", wanted)
    last = tests.last(OWNER, "sort")
    assert last is not None
    assert last["status"] == "running", "its rounds are seen while they last"
    gate.set()
    until(lambda: work.is_over, "the end")
    assert tuning.work(OWNER, "sort") is work
    assert work.report is not None
    assert work.report.best == "4 examples"


def test_a_variant_that_the_model_refuses_is_none(talking: Opened) -> None:
    talk = tuned(talking, lambda _mail, examples, short: None if short else examples >= 4)
    assert tune(talk).best == "4 examples"


def test_the_same_request_continues_while_its_questions_are_still_at_work(talking: Opened) -> None:
    gate = threading.Event()
    talk = tuned(talking, lambda _mail, examples, _: examples >= 4, gate)
    statuses = [tune(talk, seconds=0).status for _ in range(2)]
    assert statuses == ["running", "running"]
    gate.set()
    assert tune(talk).best == "4 examples"


def test_a_test_that_somebody_stops_says_so(talking: Opened) -> None:
    gate = threading.Event()
    talk = tuned(talking, lambda *_: True, gate)
    found: list[TuneReport] = []
    thread = threading.Thread(target=lambda: found.append(tune(talk)))
    thread.start()
    until(lambda: len(talk.model.requests) > 0, "a question")
    last = talk.orchestra.case_tests.last(OWNER, "sort")
    assert last is not None
    threading.Timer(0.1, gate.set).start()
    talk.orchestra.case_tests.cancel(OWNER, "sort", last["id"])
    thread.join()
    assert (found[0].status, found[0].words.split(":")[0]) == ("cancelled", "The test was stopped")


def test_cost_and_tokens_count_second_questions_and_judges(talking: Opened) -> None:
    talk = tuned(talking, lambda *_: True)
    tuning, cases, prompts = talk.orchestra.copilot.prompting.tuning, talk.orchestra.cases, talk.orchestra.prompts
    wanted = TuneRequest(connection="llm")
    plain, tokens = tuning.cost(OWNER, "sort", wanted).questions, tune(talk).variants[0].tokens
    sure = json.dumps({**PROMPT, "sure_at_least": 0.8})
    prompts.save(OWNER, "sort", sure, prompts.get(OWNER, "sort").etag)
    assert tuning.cost(OWNER, "sort", wanted).questions == (1 + 2) * plain
    assert tune(talk).variants[0].tokens > 1.5 * tokens
    judge = {"type": "judge", "criterion": "It is kind."}
    cases.add(OWNER, "sort", {"name": "judged", "variables": {"text": "It crashes"}, "assertions": [judge] * 5})
    before = tuning.cost(OWNER, "sort", wanted).questions
    cases.delete(OWNER, "sort", "judged")
    cases.add(OWNER, "sort", {"name": "judged", "variables": {"text": "It crashes"}, "assertions": [judge]})
    assert before > tuning.cost(OWNER, "sort", wanted).questions


def test_a_real_account_is_asked_only_after_somebody_agreed(talking: Opened) -> None:
    talk = tuned(talking, lambda *_: True)
    with pytest.raises(ConfirmationNeeded):
        tune(talk, Principal("bob", "owner"))
    assert len(talk.model.requests) == 0


def test_without_cases_there_is_nothing_to_tune_by(talking: Opened) -> None:
    talk = talking(lambda _body, _number: Answer("{}"))
    talk.orchestra.prompts.save(OWNER, "sort", json.dumps(PROMPT), None)
    with pytest.raises(InvalidInput, match="no cases"):
        tune(talk)


def test_few_cases_all_choose() -> None:
    assert halves(NAMES[:9]) == (NAMES[:9], [])
    assert sorted([*CHOSEN, *HELD]) == sorted(NAMES)
    for many in range(10, 30):
        chosen, held = halves([f"case-{number}" for number in range(many)])
        assert (len(held), len(chosen)) == (many // 2, many - many // 2)
    more = halves([*NAMES, "another"])
    assert len({*more[1]} ^ {*HELD}) <= 2, "a new case moves at most one other"


def test_only_what_the_client_knows_and_the_prompt_lacks_is_tried() -> None:
    known = {"temperature", "thinking_config"}
    titles = [one.title for one in possible_changes(PROMPT, 5, known)]
    assert titles == ["temperature 0", "2 examples", "4 examples", "short instructions", "no thinking"]
    with_variable = [{"role": "system", "content": "{{ text }}"}, {"role": "user", "content": "{{ text }}"}]
    own = {**PROMPT, "messages": with_variable, "parameters": {"temperature": 0}, "examples": 2}
    assert [one.title for one in possible_changes(own, 3, {"temperature"})] == []
