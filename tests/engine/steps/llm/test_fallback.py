"""The models of a step are asked in turn: the right one answers, is paid for once, and the run says why."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from importlib import import_module
from itertools import cycle, product
from math import log
from typing import Any

import pytest

from engine.base.errors import InvalidFile
from engine.base.services import client_class
from engine.orchestra import Orchestra
from tests.clients.test_models import FORMS, Form
from tests.engine.budgets.conftest import Desk, desk
from tests.engine.conftest import OWNER
from tests.few import few
from tests.patience import PATIENCE_SECONDS, until

__all__ = ["desk"]

SERVICES = ("openai", "anthropic", "gemini")
FORM_OF = {form.name: form for form in FORMS}
SAID = [{"role": "user", "content": "The app crashes when I press Save."}]
PRICES = {"big": {"input": 100, "output": 10_000}, "dear": {"input": 1_000, "output": 90_000}}
ATTEMPTS = 2


@pytest.fixture(autouse=True, scope="module")
def sdks() -> None:
    """Import them now, for seconds on a loaded machine, which are not part of a time limit here."""
    for name in ("anthropic", "google.genai", "openai"):
        with suppress(ImportError):
            import_module(name)


def _said(body: str, kind: str = "application/json") -> dict[str, Any]:
    return {"status": 200, "body": body, "headers": {"content-type": kind}}


WAYS: Mapping[str, tuple[int, Callable[[Form], dict[str, Any]]]] = {
    "dies": (ATTEMPTS, lambda _: {"cut": True}),
    "drips": (1, lambda _: {"drip": 0.5}),
    "is overloaded": (ATTEMPTS, lambda _: {"status": 529}),
    "asks to wait": (1, lambda _: {"status": 429, "retry_after": 600}),
    "limits": (ATTEMPTS, lambda _: {"status": 429}),
    "stops": (ATTEMPTS, lambda form: _said(json.dumps(form.answer("The app crashes."))[:60])),
    "talks nonsense": (ATTEMPTS, lambda _: _said("<html>Sign in</html>", "text/html")),
    "refuses": (1, lambda form: _said(json.dumps(form.refusal))),
    "is unknown": (1, lambda _: {"status": 404, "body": json.dumps({"error": {"message": "no such model"}})}),
}
"""How a model gives no answer: the requests that it takes, and the fault of its stand-in."""


@pytest.fixture(autouse=True)
def connections(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Connections to three services, each of its name."""
    connections = {}
    for name in SERVICES:
        declared = client_class(name).service
        if absence := declared.lacks({}):
            pytest.skip(f"{absence} {declared.install}")
        monkeypatch.setenv(f"KEY_OF_{name.upper()}", desk.standins[name].token)
        settings = {"base_url": desk.standins[name].base_url, "api_key": f"env:KEY_OF_{name.upper()}", "model": "big"}
        connections[name] = {"service": name, **settings}
    desk.config(connections=connections, prices=PRICES)
    return connections


def asking(*names: str, **more: Any) -> dict[str, Any]:
    """A step that asks the models of these connections in turn."""
    others = [{"connection": name} for name in names[1:]]
    fields = {"messages": SAID, "max_tokens": 10, "fallback": others, **more}
    step = {"id": "ask", "uses": "llm.chat", "connection": names[0], "with": fields}
    return {**step, "retry": {"attempts": ATTEMPTS, "backoff_seconds": 0}}


def questions(desk: Desk) -> dict[str, int]:
    """How often each stand-in was asked since it started."""
    asked = {name: desk.standins.requests(name) for name in SERVICES}
    return {name: sum(n for what, n in one.items() if what.startswith("POST")) for name, one in asked.items()}


def asked_since(desk: Desk, before: Mapping[str, int]) -> dict[str, int]:
    return {name: count - before[name] for name, count in questions(desk).items() if count > before[name]}


@pytest.mark.parametrize(("failing", "way"), few(product(SERVICES, WAYS), *zip(cycle(SERVICES), WAYS, strict=False)))
def test_the_next_model_answers_wherever_one_in_the_list_gives_no_answer(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, failing: str, way: str
) -> None:
    monkeypatch.setattr("clients.openai.client.FIRST_WORD_SECONDS", 5.0)  # the stand-ins are on this machine
    requests, fault = WAYS[way]
    others = [name for name in SERVICES if name != failing]
    is_slow = way == "drips"
    for place in [1] if is_slow else range(3):
        order = [*others[:place], failing, *others[place:]]
        for name in order[:place]:
            desk.standins.faults(name, match="POST", **WAYS["is unknown"][1](FORM_OF[name]))
        desk.standins.faults(failing, match="POST", times=requests, **fault(FORM_OF[failing]))
        slow = {"timeout_seconds": 5, "retry": {"attempts": 1}}
        desk.workflow([{**asking(*order), **(slow if is_slow else {})}])
        before, paid = questions(desk), _paid(desk)
        run = desk.run()
        for name in SERVICES:
            desk.standins.calm(name)
        [step] = run["steps"]
        wanted = {**dict.fromkeys(order[:place], 1), failing: requests}
        answering = order[place + 1] if place < 2 else None
        if place == 2 and way == "asks to wait":
            assert run["status"] == "waiting", "for the last model, as without a list"
            desk.orchestra.runs.cancel(OWNER, run["run_id"])
            desk.wait(run["run_id"])
            continue
        if answering is not None:
            wanted[answering] = 1
            assert run["status"] == "succeeded", run["error"]
            assert step["request"]["connection"] == answering
            assert [one["connection"] for one in step["failed_models"]] == order[: place + 1]
            assert all(one["error"]["message"] in step["note"] for one in step["failed_models"])
            assert {one["model"] for one in step["failed_models"]} == {"big"}
        elif way == "refuses" and FORM_OF[failing].finish_reason == "refusal":
            assert step["output"]["finish_reason"] == FORM_OF[failing].finish_reason, "the last answers for itself"
        else:
            assert run["status"] == "failed"
            assert [one["connection"] for one in step["failed_models"]] == order[:2]
        assert step["connection"] == order[0]
        assert asked_since(desk, before) == wanted
        waits = 1 if way == "asks to wait" else 0  # a model that asks to wait has not failed an attempt
        assert len(step["attempts"]) == sum(wanted.values()) - waits
        used = tuple(after - earlier for after, earlier in zip(_paid(desk), paid, strict=True))
        first = 2 if (failing, way) == ("gemini", "refuses") else 0  # it counts no tokens: the report estimates them
        assert _usage(run)[first:] == pytest.approx(used[first:])


def _paid(desk: Desk) -> tuple[int, int, float]:
    """What the report of usage says in all: tokens read and written, and USD."""
    rows = desk.orchestra.usage.report(OWNER, "connection").rows
    tokens = sum(one.input_tokens for one in rows), sum(one.output_tokens for one in rows)
    return *tokens, sum(one.usd for one in rows)


def _usage(run: Mapping[str, Any]) -> tuple[int, int, float]:
    used = run["usage"]
    return used["input_tokens"], used["output_tokens"], used["cost_usd"]


KINDS = ["task", "bug", "unsure"]


def sorting(desk: Desk, *names: str, kinds: Sequence[str] = KINDS, **more: Any) -> dict[str, Any]:
    """A step that sorts a mail with a prompt whose model must be sure."""
    schema = {
        "type": "object",
        "properties": {"kind": {"type": "string", "enum": list(kinds)}},
        "required": ["kind"],
        "additionalProperties": False,
    }
    prompt = {"schema_version": 1, "sure_at_least": 0.8, "messages": SAID, "output_schema": schema, **more}
    for file in ("sort.json", "sort.versions/1.json"):
        (desk.root / "prompts" / file).parent.mkdir(exist_ok=True)
        (desk.root / "prompts" / file).write_text(json.dumps(prompt))
    fields = {"prompt": "sort@1", "fallback": [{"connection": name} for name in names[1:]]}
    return {"id": "ask", "uses": "llm.extract", "connection": names[0], "with": fields}


def says(desk: Desk, name: str, kind: str, sure: float | None = None) -> None:
    """Let a model answer, and then say how sure it is; OpenAI's with probabilities, others with a letter."""
    form = FORM_OF[name]
    desk.standins.faults(name, match="POST", times=1, **_said(json.dumps(form.answer(json.dumps({"kind": kind})))))
    if sure is not None:
        says_how_sure(desk, name, sure)


def says_how_sure(desk: Desk, name: str, sure: float) -> None:
    """Let a model say how sure it is of its answer."""
    form, last = FORM_OF[name], "C"
    letter = form.answer(json.dumps({"letter": last if sure > 0.5 else "A"}))
    if name == "openai":
        letter = form.answer(last)
        letter["choices"][0]["logprobs"] = {"content": [{"top_logprobs": _likely({last: sure, " A": 1 - sure})}]}
    desk.standins.faults(name, match="POST", times=1, **_said(json.dumps(letter)))


def _likely(tokens: Mapping[str, float]) -> list[dict[str, Any]]:
    return [{"token": token, "logprob": log(of), "bytes": None} for token, of in tokens.items()]


@pytest.mark.parametrize(
    ("answers", "kind", "failed"),
    [
        pytest.param([("openai", "bug", 0.9)], "bug", [], id="sure"),
        pytest.param([("anthropic", "bug", 0.9)], "bug", [], id="sure-without-probabilities"),
        pytest.param(
            [("openai", "bug", 0.55), ("gemini", "task", 0.9)],
            "task",
            ["It was unsure of kind: bug (0.55 of 0.8)."],
            id="unsure",
        ),
        pytest.param(
            [("anthropic", "bug", 0.1), ("openai", "task", 0.9)],
            "task",
            ["It was unsure of kind: bug (0.00 of 0.8)."],
            id="unsure-without-probabilities",
        ),
        pytest.param(
            [("gemini", "unsure", None), ("openai", "task", 0.9)],
            "task",
            ["It was unsure of kind, as it says itself."],
            id="says-so-itself",
        ),
        pytest.param(
            [("openai", "bug", 0.6), ("gemini", "bug", 0.1)],
            "unsure",
            ["It was unsure of kind: bug (0.60 of 0.8)."],
            id="the-last-one-too",
        ),
    ],
)
def test_the_next_model_answers_where_one_is_unsure(
    desk: Desk, answers: Sequence[tuple[str, str, float | None]], kind: str, failed: Sequence[str]
) -> None:
    for one in answers:
        says(desk, *one)
    desk.workflow([sorting(desk, *(name for name, _, _ in answers))])
    before, paid = questions(desk), _paid(desk)
    run = desk.run()
    assert run["status"] == "succeeded", run["error"]
    [step] = run["steps"]
    assert step["output"] == {"kind": kind}
    assert [one["error"]["message"] for one in step.get("failed_models", ())] == failed
    assert all(words in step["note"] for words in failed)
    assert (kind == "unsure") is ("answered. It was unsure of kind: bug (0.00 of 0.8)." in step.get("note", ""))
    assert asked_since(desk, before) == {name: 1 if sure is None else 2 for name, _, sure in answers}
    assert _usage(run) == pytest.approx([after - earlier for after, earlier in zip(_paid(desk), paid, strict=True)])


@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_after_an_outage_only_the_second_question_is_asked_again(desk: Desk, name: str) -> None:
    says(desk, name, "bug")
    desk.standins.faults(name, match="POST", times=1, status=503)
    says_how_sure(desk, name, 0.9)
    desk.workflow([{**sorting(desk, name), "retry": {"attempts": 2, "backoff_seconds": 0}}])
    before, paid = questions(desk), _paid(desk)
    run = desk.run()
    assert (run["status"], run["steps"][0]["output"]) == ("succeeded", {"kind": "bug"}), run["error"]
    assert asked_since(desk, before) == {name: 3}
    assert _usage(run) == pytest.approx([after - earlier for after, earlier in zip(_paid(desk), paid, strict=True)])


OUTAGE = {"status": 503}


def test_an_unsure_answer_is_kept_if_the_next_model_is_down(desk: Desk) -> None:
    says(desk, "openai", "bug", 0.55)
    desk.standins.faults("gemini", match="POST", **OUTAGE)
    desk.workflow([{**sorting(desk, "openai", "gemini"), "retry": {"attempts": 1}}])
    before, paid = questions(desk), _paid(desk)
    run = desk.run()
    assert run["status"] == "succeeded", run["error"]
    [step] = run["steps"]
    assert step["output"] == {"kind": "unsure"}
    unsure, down = step["failed_models"]
    assert (unsure["connection"], down["connection"]) == ("openai", "gemini")
    assert step["note"] == (
        "big (openai) was not sure enough: It was unsure of kind: bug (0.55 of 0.8). "
        f"big (gemini) gave no answer: {down['error']['message']} The answer of big (openai) is kept."
    )
    assert "503" in down["error"]["message"]
    assert asked_since(desk, before) == {"openai": 2, "gemini": 1}
    assert _usage(run) == pytest.approx([after - earlier for after, earlier in zip(_paid(desk), paid, strict=True)])
    assert (step["request"]["connection"], step["request"]["model"]) == ("openai", "big")


def test_an_unsure_answer_without_the_choice_is_not_kept(desk: Desk) -> None:
    says(desk, "openai", "bug", 0.55)
    desk.standins.faults("gemini", match="POST", **OUTAGE)
    sort = sorting(desk, "openai", "gemini", kinds=["nothing", "task", "bug"])
    desk.workflow([{**sort, "retry": {"attempts": 1}}])
    run = desk.run()
    assert (run["status"], run["error"]["type"]) == ("failed", "Unavailable")


def test_a_model_that_is_unsure_and_cannot_say_so_fails_the_step(desk: Desk) -> None:
    says(desk, "openai", "bug", 0.55)
    desk.workflow([sorting(desk, "openai", kinds=["nothing", "task", "bug"])])
    run = desk.run()
    assert run["status"] == "failed"
    assert run["error"]["message"] == "It was unsure of kind: bug (0.55 of 0.8)."
    assert run["error"]["remedy"] == (
        'Add the choice "unsure" to the `enum` of kind, or name other models in `fallback`.'
    )


def test_an_answer_that_fails_an_assertion_is_of_no_use(desk: Desk) -> None:
    assertions = [{"type": "field_equals", "field": "kind", "value": "task"}]
    desk.workflow([sorting(desk, "openai", "gemini", sure_at_least=None, assertions=assertions)])
    says(desk, "openai", "bug")
    says(desk, "gemini", "task")
    before = questions(desk)
    run = desk.run()
    assert (run["status"], run["steps"][0]["output"]) == ("succeeded", {"kind": "task"})
    assert asked_since(desk, before) == {"openai": 1, "gemini": 1}
    says(desk, "openai", "bug")
    says(desk, "gemini", "bug")
    run = desk.run()
    assert run["status"] == "failed"
    said = '\'kind\' is "bug", not "task".'
    assert run["error"]["message"] == f"The answer is not as the prompt's assertions say: {said}"
    assert [one["error"]["type"] for one in run["steps"][0]["failed_models"]] == ["BadAnswer"]


@pytest.mark.parametrize(
    ("status", "said"), [(400, "temperature: not supported"), (401, "wrong key"), (413, "too much")], ids=str
)
def test_what_is_wrong_with_the_request_or_the_key_fails_the_step(desk: Desk, status: int, said: str) -> None:
    body = json.dumps({"error": {"message": said}})
    desk.standins.faults("anthropic", match="POST", status=status, body=body)
    desk.workflow([asking("anthropic", "gemini")])
    before = questions(desk)
    run = desk.run()
    assert run["status"] == "failed"
    assert said in run["error"]["message"]
    assert asked_since(desk, before) == {"anthropic": 1}


def test_a_budget_stops_the_list_and_what_a_refusal_cost_counts(desk: Desk) -> None:
    desk.standins.faults("openai", match="POST", **WAYS["refuses"][1](FORM_OF["openai"]))
    desk.workflow([asking("openai", "anthropic")], budget={"run": {"calls": 1}})
    before = questions(desk)
    run = desk.run()
    assert run["status"] == "waiting"
    assert asked_since(desk, before) == {"openai": 1}
    [step] = run["steps"]
    assert [one["connection"] for one in step["failed_models"]] == ["openai"]
    assert "budget of this run" in step["held"]["message"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("point", "is_unsure"),
    [("model failed", False), ("model failed", True), pytest.param("before end", False, marks=pytest.mark.chaos)],
)
def test_after_a_kill_the_run_asks_only_who_has_not_been_asked(desk: Desk, point: str, *, is_unsure: bool) -> None:
    if is_unsure:
        says(desk, "openai", "bug", 0.55)
        desk.workflow([sorting(desk, "openai", "anthropic")])
    else:
        desk.standins.faults("openai", match="POST", **WAYS["refuses"][1](FORM_OF["openai"]))
        desk.workflow([asking("openai", "anthropic")])
    each = 2 if is_unsure else 1
    before = questions(desk)
    run_id = killed(desk, point)
    asked = {"openai": each} if point == "model failed" else {"openai": each, "anthropic": each}
    assert asked_since(desk, before) == asked
    run = resumed(desk, run_id)
    assert run["status"] == "succeeded"
    assert asked_since(desk, before) == {"openai": each, "anthropic": each}
    [step] = run["steps"]
    [failed] = step["failed_models"]
    assert failed["connection"] == "openai"
    assert failed["error"]["type"] == ("ModelUnsure" if is_unsure else "ModelRefused")
    assert step["request"]["connection"] == "anthropic"


@pytest.mark.slow
def test_an_unsure_answer_is_kept_through_a_kill(desk: Desk) -> None:
    says(desk, "openai", "bug", 0.55)
    desk.standins.faults("gemini", match="POST", **OUTAGE)
    desk.workflow([{**sorting(desk, "openai", "gemini"), "retry": {"attempts": 1}}])
    before = questions(desk)
    run = resumed(desk, killed(desk, "model failed"))
    assert (run["status"], run["steps"][0]["output"]) == ("succeeded", {"kind": "unsure"}), run["error"]
    assert asked_since(desk, before) == {"openai": 2, "gemini": 1}


def killed(desk: Desk, point: str) -> str:
    """Run the workflow in a process that is killed at this point; return the id of the run."""
    process = subprocess.run(
        [sys.executable, "-c", _KILLED, str(desk.root), point],
        env={**os.environ},
        capture_output=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert process.returncode == -9, process.stderr.decode()
    return process.stdout.decode().strip()


def resumed(desk: Desk, run_id: str) -> Mapping[str, Any]:
    """Let a server continue the run, and return it at its end."""
    with closing(Orchestra.open(desk.root, serve=True)) as server:
        until(lambda: server.runs.get(OWNER, run_id)["ended_at"], "the end of the run")
        return server.runs.get(OWNER, run_id)


_KILLED = """
import os, signal, sys
from pathlib import Path
from engine.orchestra import Orchestra
from engine.people.access import local_user
from engine.runner.effects import fault_points

def stop(point):
    if point == sys.argv[2]:
        os.kill(os.getpid(), signal.SIGKILL)

orchestra = Orchestra.open(Path(sys.argv[1]))
run_id = orchestra.runs.start(local_user().agreeing(True), "work", {})
print(run_id, flush=True)
fault_points.hook = stop
orchestra.runs.wait(local_user(), run_id, 60)
"""


def test_a_prompt_with_its_own_model_and_parameters_asks_others_with_what_they_know(desk: Desk) -> None:
    prompt = {
        "schema_version": 1,
        "model": "small",
        "parameters": {"temperature": 0.5, "reasoning_effort": "low", "max_tokens": 10},
        "messages": [{"role": "user", "content": "Sum up: the app crashes."}],
    }
    for file in ("sum.json", "sum.versions/1.json"):
        (desk.root / "prompts" / file).parent.mkdir(exist_ok=True)
        (desk.root / "prompts" / file).write_text(json.dumps(prompt))
    fields = {"prompt": "sum@1", "fallback": [{"model": "big"}, {"connection": "gemini"}]}
    desk.workflow([{"id": "ask", "uses": "llm.chat", "connection": "openai", "with": fields}])
    desk.standins.faults("openai", match="POST", times=2, **WAYS["is unknown"][1](FORM_OF["openai"]))
    run = desk.run()
    assert run["status"] == "succeeded", run["error"]
    [step] = run["steps"]
    asked = [(one["connection"], one["model"]) for one in step["failed_models"]]
    assert asked == [("openai", "small"), ("openai", "big")]
    assert step["request"]["left_out"] == ["reasoning_effort"]


@pytest.mark.parametrize(
    ("entry", "place", "message"),
    [
        ({"connection": "opennai"}, ("connection",), "The connection 'opennai' cannot be used: there is none."),
        ({"connection": "web"}, ("connection",), "it is for http, and llm.chat needs a model"),
        ({}, (), "names neither a connection nor a model"),
        ({"connection": "anthropic", "model": "big"}, (), "Entry 2 is the same as entry 1"),
        ({"connection": "openai"}, (), "Entry 2 is the same as the step itself"),
        ({"model": "{{ inputs.model }}"}, None, "The models of a `fallback` must be known"),
        ({"modell": "big"}, ("modell",), "modell"),
    ],
    ids=["unknown", "no model", "empty", "twice", "own", "expression", "key"],
)
def test_each_entry_is_checked_with_its_place(
    desk: Desk, connections: Mapping[str, Any], entry: Mapping[str, str], place: tuple[str, ...] | None, message: str
) -> None:
    desk.config(connections={**connections, "web": {"service": "http"}})
    step = asking("openai", fallback=[{"connection": "anthropic", "model": "big"}, entry])
    desk.workflow([step], inputs={"type": "object", "properties": {"model": {"type": "string"}}})
    with pytest.raises(InvalidFile) as refused:
        desk.orchestra.runs.start(OWNER, "work", {"model": "x"})
    found = [one for one in refused.value.problems if message in one.message]
    assert len(found) == 1, refused.value.problems
    assert found[0].step == "ask"
    assert found[0].field == ".".join(["with.fallback", *([] if place is None else ["1", *place])])
    assert found[0].remedy


def test_the_estimate_names_every_model_and_the_dearest(desk: Desk) -> None:
    desk.workflow([asking("openai", "anthropic", fallback=[{"connection": "anthropic", "model": "dear"}])])
    before = desk.orchestra.preview(OWNER, "work", {}).estimate
    assert before is not None
    assert "`ask` asks big (openai), then dear (anthropic); the dearest is dear (anthropic)." in before["sentence"]
    assert (before["high_usd"] or 0) > (before["low_usd"] or 0) > 0
    run = desk.run()
    assert run["estimate"]["sentence"] == before["sentence"]
