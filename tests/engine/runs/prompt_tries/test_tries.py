"""A try asks a model like a step of a run, outside any run: consent, budgets, errors, its record and its end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from api.base.remedies import with_requests
from engine.base.errors import ConfirmationNeeded, InvalidInput, OrchestraError, UnknownName
from engine.base.statuses import AccountMode
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.runs.prompt_tries.records import Try
from engine.runs.prompt_tries.store import MOST_TRIES
from engine.runs.prompt_tries.try_requests import TryRequest
from tests.clients.conftest import Scripted, scripted, start_scripted
from tests.engine.runs.prompt_tries.conftest import Desk
from tests.patience import PATIENCE_SECONDS, until

__all__ = ["scripted", "start_scripted"]
OWNER = Principal("tester", "owner", confirmed=True)
HASTY = Principal("tester", "owner")
CHAT_PATH = "POST /v1/chat/completions"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["kind"],
    "properties": {"kind": {"type": "string", "enum": ["task", "bug"]}},
}


def prompt(**more: Any) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "variables": {"text": {"type": "string"}, "tone": {"type": "string", "default": "short"}},
        "messages": [{"role": "user", "content": ["Be {{ tone }}.", "{{ text }} / {{ size(text) }}"]}],
        "samples": [{"name": "One", "variables": {"text": "the meeting is on Friday"}}],
        "parameters": {"max_tokens": 80},
        **more,
    }


def write(desk: Desk, **more: Any) -> None:
    (desk.root / "prompts" / "sum-up.json").write_text(json.dumps(prompt(**more)))


def tried(orchestra: Orchestra, p: Principal = OWNER, **wanted: Any) -> Try:
    """Try the draft of the prompt, by default with its sample."""
    given: dict[str, Any] = {"is_draft": True, "sample": "One", **wanted}
    one = orchestra.tries.start(p, "sum-up", TryRequest(**given))
    return orchestra.tries.wait(p, "sum-up", one["id"], PATIENCE_SECONDS)


def error_of(one: Try) -> str:
    assert one["error"] is not None
    return one["error"]["type"]


@pytest.fixture
def ready(desk: Desk) -> Desk:
    desk.config()
    write(desk)
    return desk


def test_the_answer_the_cost_and_where_each_value_came_in_are_kept(ready: Desk) -> None:
    one = tried(ready.orchestra)
    assert one["answer"] is not None
    assert (one["status"], one["answer"]["problems"], ready.asked) == ("succeeded", [], 1)
    assert one["usage"]["cost_usd"] == pytest.approx(one["usage"]["output_tokens"] / 100)
    [message] = one["messages"]
    assert [(part["text"], part["variable"]) for part in message["parts"]] == [
        ("Be ", None),
        ("short", "tone"),
        (".\n", None),
        ("the meeting is on Friday", "text"),
        (" / ", None),
        ("24", "size(text)"),
    ]
    assert "".join(part["text"] for part in message["parts"]) == message["content"]
    ready.orchestra.close()
    again = ready.open()
    assert again.tries.get(OWNER, "sum-up", one["id"]) == one
    assert [line.action for line in again.audit(OWNER)][:2] == ["prompts.try", "prompts.confirm"]


def test_a_real_account_is_asked_only_after_somebody_agreed(ready: Desk) -> None:
    with pytest.raises(ConfirmationNeeded) as refused:
        tried(ready.orchestra, HASTY)
    assert "page of the prompt" in refused.value.remedy
    [needed] = refused.value.needs_confirmation
    assert needed.startswith("llm:127.0.0.1:")
    assert (ready.asked, ready.orchestra.tries.list(OWNER, "sum-up")) == (0, [])
    assert tried(ready.orchestra, HASTY.agreeing([needed]))["status"] == "succeeded"
    assert tried(ready.orchestra, HASTY)["status"] == "succeeded"


BUDGETS: list[tuple[str, Mapping[str, Any], str, int]] = [
    ("none left", {"budgets": {"day": {"calls": 1}}}, "BudgetExceeded", 1),
    ("unknown price", {"budgets": {"strict": True}, "prices": {"other": {"input": 1, "output": 1}}}, "PriceUnknown", 0),
]


@pytest.mark.parametrize(("settings", "kind", "asked"), [row[1:] for row in BUDGETS], ids=[row[0] for row in BUDGETS])
def test_budgets_and_strict_prices_hold(desk: Desk, settings: Mapping[str, Any], kind: str, asked: int) -> None:
    desk.config(**settings)
    write(desk)
    for _ in range(asked):
        assert tried(desk.orchestra)["status"] == "succeeded"
    one = tried(desk.orchestra)
    assert (one["status"], error_of(one), desk.asked) == ("failed", kind, asked)
    overview = desk.orchestra.budgets.overview(OWNER)
    assert (overview.day.calls, overview.paused_runs) == (asked, [])


def test_runs_and_tries_share_the_budget_of_all_workflows(desk: Desk) -> None:
    desk.config(budgets={"day": {"calls": 2}})
    write(desk)
    desk.workflow([{"id": "ask", "uses": "llm.chat", "with": {"messages": [{"role": "user", "content": "Hello"}]}}])
    assert desk.run()["status"] == "succeeded"
    assert tried(desk.orchestra)["status"] == "succeeded"
    assert error_of(tried(desk.orchestra)) == "BudgetExceeded"


def test_an_answer_that_does_not_fit_is_shown_with_the_reasons_and_not_asked_again(desk: Desk) -> None:
    desk.config()
    write(desk, output_schema={**SCHEMA, "required": ["kind", "owner"], "properties": {"kind": {"const": "x"}}})
    one = tried(desk.orchestra)
    assert (one["status"], desk.asked) == ("succeeded", 1)
    assert one["answer"] is not None
    assert one["answer"]["problems"]


def test_an_answer_that_the_server_held_back_says_what_its_filter_found(desk: Desk, scripted: Scripted) -> None:
    desk.config(connections={"llm": {"service": "openai", "base_url": scripted.url, "api_key": "env:BUDGET_KEY"}})
    write(desk, output_schema=SCHEMA, model="big")
    found = {"hate": {"filtered": True, "severity": "high"}}
    choice = {"index": 0, "finish_reason": "content_filter", "message": {"role": "assistant"}}
    scripted.then(200, {"id": "c1", "model": "big", "choices": [{**choice, "content_filter_results": found}]})
    one = tried(desk.orchestra)
    said = one["answer"]["problems"][0] if one["answer"] is not None else one["error"]
    assert "hate (high)" in str(said)


def begun(desk: Desk) -> str:
    """Start a try for JSON whose answer comes byte by byte; return its id when some of it has come."""
    desk.config()
    write(desk, output_schema=SCHEMA)
    desk.open(serve=True)
    desk.orchestra.connections.set_mode(OWNER, "openai", AccountMode.MINE)
    desk.standins.faults("openai", match=CHAT_PATH, drip=0.002)
    one = desk.orchestra.tries.start(OWNER, "sum-up", TryRequest(is_draft=True, sample="One"))
    until(lambda: desk.orchestra.tries.live(OWNER, one["id"]).startswith('{"kind"'), "the beginning of the answer")
    return one["id"]


def test_json_is_seen_while_it_arrives_and_checked_when_it_is_whole(desk: Desk) -> None:
    try_id, tries = begun(desk), desk.orchestra.tries
    assert tries.get(OWNER, "sum-up", try_id)["status"] == "running"
    one = tries.wait(OWNER, "sum-up", try_id, PATIENCE_SECONDS)
    assert one["answer"] is not None
    assert (one["answer"]["problems"], list(one["answer"]["value"]), desk.asked) == ([], ["kind"], 1)
    assert one["usage"]["cost_usd"] == pytest.approx(one["usage"]["output_tokens"] / 100)
    assert one["usage"]["output_tokens"] > 0
    assert tries.live(OWNER, try_id) == ""


def test_json_that_arrives_can_be_stopped(desk: Desk) -> None:
    try_id, tries = begun(desk), desk.orchestra.tries
    one = tries.cancel(OWNER, "sum-up", try_id)
    assert (one["status"], one["answer"], desk.asked, tries.live(OWNER, try_id)) == ("cancelled", None, 1, "")


def test_a_service_that_fails_fails_the_try_in_words(ready: Desk) -> None:
    ready.standins.faults("openai", match=CHAT_PATH, status=401)
    one = tried(ready.orchestra)
    assert (one["status"], error_of(one), one["answer"]) == ("failed", "AuthError", None)
    ready.standins.calm("openai")


def test_a_try_can_be_stopped_and_a_dead_process_leaves_none_running(ready: Desk) -> None:
    ready.standins.faults("openai", match=CHAT_PATH, until_seconds=30, delay_seconds=3)
    tries = ready.orchestra.tries
    one = tries.start(OWNER, "sum-up", TryRequest(is_draft=True, sample="One"))
    until(lambda: ready.asked == 1, "the request")
    assert tries.cancel(OWNER, "sum-up", one["id"])["status"] == "cancelled"
    other = tries.start(OWNER, "sum-up", TryRequest(is_draft=True, sample="One"))
    path = ready.root / ".orchestra" / "tries" / "sum-up" / f"{other['id']}.json"
    killed = path.read_text()
    ready.orchestra.close()
    assert json.loads(path.read_text())["status"] == "interrupted", "closed while it waited"
    path.write_text(killed)  # as if the process had been killed
    again = ready.open().tries
    assert [each["status"] for each in again.list(OWNER, "sum-up")] == ["interrupted", "cancelled"]
    ready.standins.calm("openai")


def test_values_come_from_a_step_of_a_run_as_it_was(ready: Desk) -> None:
    orchestra = ready.orchestra
    file = orchestra.prompts.get(OWNER, "sum-up")
    orchestra.prompts.save_version(OWNER, "sum-up", file.text, file.etag, "production")
    step = {"uses": "llm.extract", "with": {"prompt": "sum-up", "variables": {"text": "{{ it.t }}"}, "schema": SCHEMA}}
    items = "{{ [{'t': 'a bug'}, {'t': 'a task'}] }}"
    each = {
        "id": "each",
        "foreach": items,
        "as": "it",
        "item_title": "About {{ it.t }}",
        "steps": [{"id": "ask", **step}],
    }
    ready.workflow([each])
    run = ready.run()
    calls = orchestra.tries.calls(OWNER, "sum-up")
    assert [(one.run_id, one.step, one.title) for one in calls] == [
        (run["run_id"], "each[0].ask", "About a bug"),
        (run["run_id"], "each[1].ask", "About a task"),
    ]
    one = tried(orchestra, sample="", run_id=calls[1].run_id, step=calls[1].step, variables={"tone": "kind"})
    assert one["variables"] == {"text": "a task", "tone": "kind"}
    assert (one["output_schema"], one["source"]) == (SCHEMA, {"run_id": run["run_id"], "step": "each[1].ask"})
    assert one["answer"] is not None
    assert one["answer"]["problems"] == []


REFUSED: list[tuple[Mapping[str, Any], type[OrchestraError], str]] = [
    ({"sample": "Two"}, UnknownName, "no sample named 'Two'"),
    ({"sample": "", "variables": {}}, InvalidInput, "'text' has no value"),
    ({"variables": {"text": 5}}, InvalidInput, "'text' does not fit"),
    ({"variables": {"texts": "a"}}, InvalidInput, "no variable 'texts'"),
    ({"connection": "gmail"}, UnknownName, "connection of a model"),
    ({"is_draft": False}, UnknownName, "no label of the prompt"),
    ({"text": "[1]"}, InvalidInput, "is a JSON object"),
    ({"sample": "", "run_id": "20261121T120000Z-aaaaaaaa"}, InvalidInput, "both the run and the step"),
    ({"sample": "", "run_id": "20261121T120000Z-aaaaaaaa", "step": "ask"}, UnknownName, "no run"),
    ({"text": json.dumps(prompt(output_schema={"type": "nothing"}))}, InvalidInput, "output schema"),
]


@pytest.mark.parametrize(("wanted", "kind", "words"), REFUSED, ids=[words for _, _, words in REFUSED])
def test_what_cannot_be_asked_is_refused_before_anything_is_sent(
    ready: Desk, wanted: Mapping[str, Any], kind: type[OrchestraError], words: str
) -> None:
    with pytest.raises(kind, match=words):
        tried(ready.orchestra, **wanted)
    assert (ready.asked, ready.orchestra.tries.list(OWNER, "sum-up")) == (0, [])


def test_the_tries_of_a_prompt_are_few_private_and_follow_it(ready: Desk) -> None:
    orchestra = ready.orchestra
    ids = [tried(orchestra)["id"] for _ in range(MOST_TRIES + 2)]
    kept = orchestra.tries.list(OWNER, "sum-up")
    assert [one["id"] for one in kept] == ids[:1:-1]
    folder = ready.root / ".orchestra" / "tries"
    assert {path.stat().st_mode & 0o077 for path in (folder, *folder.rglob("*"))} == {0}
    orchestra.prompts.rename(OWNER, "sum-up", "shorten")
    assert [one["id"] for one in orchestra.tries.list(OWNER, "shorten")] == ids[:1:-1]
    orchestra.prompts.delete(OWNER, "shorten")
    assert orchestra.tries.list(OWNER, "shorten") == []
    with pytest.raises(UnknownName):
        orchestra.tries.get(OWNER, "shorten", ids[-1])


def test_a_remedy_names_the_draft_and_the_samples(ready: Desk) -> None:
    with pytest.raises(UnknownName) as refused:
        tried(ready.orchestra, is_draft=False, version="draft")
    assert refused.value.remedy == "For the draft, leave the version out and give `--draft`."
    assert with_requests(refused.value.remedy).endswith('give `"draft": true`.')
    with pytest.raises(InvalidInput) as missing:
        tried(ready.orchestra, sample="")
    assert missing.value.remedy == "Give it one in `variables`, or name a `sample`: 'One'."


def test_a_try_says_what_the_model_is_unsure_of(ready: Desk) -> None:
    kind = {"type": "string", "enum": ["task", "bug", "unsure"]}
    assertions = [{"type": "not_contains", "value": "nothing"}]
    write(ready, sure_at_least=0.9, assertions=assertions, output_schema={**SCHEMA, "properties": {"kind": kind}})
    sure = tried(ready.orchestra, variables={"text": "The export crashes with an error. It is broken."})
    assert sure["answer"] is not None
    assert (sure["answer"]["problems"], sure["notes"], ready.asked) == ([], [], 2)
    for text in (json.dumps({"kind": "bug"}), "A"):
        choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop", "index": 0}
        body = {"model": "big", "choices": [choice], "usage": {"prompt_tokens": 90, "completion_tokens": 1}}
        ready.standins.faults("openai", match=CHAT_PATH, times=1, status=200, body=json.dumps(body))
    one = tried(ready.orchestra)
    assert one["answer"] is not None
    assert (one["answer"]["value"], one["answer"]["problems"]) == ({"kind": "unsure"}, [])
    assert one["notes"] == ["It was unsure of kind: bug (0.00 of 0.9)."]
    assert one["usage"]["input_tokens"] == 180
    write(ready, assertions=[{"type": "contains", "value": "Saturday"}])
    told = tried(ready.orchestra)
    assert told["answer"] is not None, told["error"]
    assert told["answer"]["problems"][0].startswith("It does not contain")
