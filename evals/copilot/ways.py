"""How a scripted model answers a request: well, and in each way in which models go wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.base.step_tree import step_nodes
from evals.copilot.conversation import Seen, Talked, talked
from evals.copilot.judging import judged
from evals.copilot.requests import BLANK, Kind, Must, Request
from evals.copilot.world import ModelServer, World, start_text, world
from tests.scripted_model.scripted import MODEL, PRICE, Answer, Scripted, scripted

_MENDS = "It is proposed."
_BROKEN = {
    "op": "add",
    "step": {"id": "not_there", "uses": "flow.set", "with": {"values": {"a": "{{ nowhere.at_all }}"}}},
}
_BROKEN_TOO = {"op": "add", "step": {"id": "not_there", "uses": "flow.set", "with": {"values": {"a": "{{ $json.a }}"}}}}

Script = Callable[[Request], Sequence[Answer]]


@dataclass(frozen=True)
class Way:
    """A way to answer, and what must come of it."""

    script: Script
    status: str = "done"
    repairs: int = 0
    requests: int = 0
    """How often the model is asked; 0: as often as the script has answers."""
    passes: bool = False
    """Whether the judge must find the answer right; otherwise it must find it wrong, or nothing may be acceptable."""
    is_acceptable: bool = True
    """Whether the last proposal may be accepted."""


def _propose(ops: Sequence[Mapping[str, Any]]) -> Answer:
    return Answer("", [("propose", {"ops": [dict(one) for one in ops], "why": "As you said."})])


def _untrue(request: Request) -> Mapping[str, Any]:
    """Return an operation that compiles, and does not do what was asked."""
    if request.start != BLANK:
        return {"op": "set", "field": "title", "value": "Done as you said"}
    return {"op": "add", "step": {"id": "done", "uses": "flow.set", "with": {"values": {"text": "Done as you said"}}}}


def _others(request: Request) -> list[str]:
    """Return the steps that must stay as they are."""
    steps = step_nodes(json.loads(start_text(request.start)))
    return [one.step.id for one in steps if one.step.id not in (request.wanted.only or ())]


def _touching(request: Request) -> Mapping[str, Any]:
    """Return an operation that compiles, on a step that must stay as it is."""
    return {"op": "set", "step": _others(request)[0], "field": "title", "value": "Something that nobody has asked for"}


def _good(request: Request) -> list[Answer]:
    good = request.good
    if good.ops:
        return [_propose(good.ops), Answer(good.text or _MENDS)]
    if good.question:
        return [Answer("", [("ask", {"question": good.question, "choices": []})])]
    return [Answer(good.text)]


def _after(*first: Answer) -> Script:
    return lambda request: [*first, *_good(request)]


def _broken(op: Mapping[str, Any]) -> Script:
    return lambda request: [_propose([*request.good.ops, op])]


WAYS: Mapping[str, Way] = {
    "good": Way(_good, passes=True),
    "drips": Way(
        lambda request: [Answer(**{**vars(one), "drip_seconds": 0.005}) for one in _good(request)], passes=True
    ),
    "needs repair": Way(lambda request: [*_broken(_BROKEN)(request), *_good(request)], repairs=1, passes=True),
    "cut JSON": Way(_after(Answer(calls=[("propose", '{"ops": [{"op": "se')])), repairs=1, passes=True),
    "unknown tool": Way(_after(Answer(calls=[("save_workflow", {})])), repairs=1, passes=True),
    "never right": Way(
        lambda request: [one for _ in range(3) for one in (*_broken(_BROKEN)(request), *_broken(_BROKEN_TOO)(request))],
        status="limited",
        repairs=3,
        requests=4,
        is_acceptable=False,
    ),
    "the same again": Way(_broken(_BROKEN), status="limited", repairs=1, requests=2, is_acceptable=False),
    "compiles but is wrong": Way(lambda request: [_propose([_untrue(request)]), Answer(_MENDS)]),
    "touches another step": Way(lambda request: [_propose([_touching(request), *request.good.ops]), Answer(_MENDS)]),
    "too busy": Way(lambda _: [Answer(status=429)], status="failed", requests=-1),
    "cut stream": Way(lambda _: [Answer("I have begun to", is_cut=True)], status="failed", requests=-1),
}
"""`requests` -1: the client may have tried again."""


def fits(way: str, request: Request) -> bool:
    """Return whether a way makes sense for a request."""
    if way in ("good", "drips", "too busy", "cut stream", "cut JSON", "unknown tool"):
        return True
    if way == "touches another step":
        return request.wanted.must is Must.PROPOSE and request.wanted.only is not None and bool(_others(request))
    if way == "compiles but is wrong" and request.kind is Kind.FIX:
        return False  # what it is about does not compile to begin with
    return request.wanted.must is Must.PROPOSE


def answered(made: World, model: Scripted, request: Request, way: str) -> Seen:
    """Let the model answer a request in a way, and say what is not as it must be."""
    wanted = WAYS[way]
    model.script = wanted.script(request)
    model.requests.clear()
    model.usages.clear()
    found = talked(made, request)
    return Seen(request.id, way, [*found.broken, *_faults(wanted, model, request, found)])


def _faults(way: Way, model: Scripted, request: Request, found: Talked) -> Iterator[str]:
    turn = found.turn
    if turn.status != way.status:
        yield f"The turn is {turn.status}, not {way.status}: {turn.problem}"
    if way.requests >= 0 and len(model.requests) != (way.requests or len(model.script)):  # type: ignore[arg-type]
        yield f"The model was asked {len(model.requests)} times."
    if turn.repairs != way.repairs:
        yield f"It was mended {turn.repairs} times, not {way.repairs}."
    yield from _of_use(model, found)
    if way.status == "done":
        yield from _of_answer(way, request, found)
    elif any(one.is_acceptable for one in found.proposals):
        yield "Something can be accepted although the turn has failed."


def _of_use(model: Scripted, found: Talked) -> Iterator[str]:
    """Compare tokens and money with what the model has charged."""
    use = found.turn.usage
    charged = tuple(sum(one[place] for one in model.usages) for place in range(3))
    if (use.input_tokens, use.cached_tokens, use.output_tokens) != charged:
        yield f"Tokens: {(use.input_tokens, use.cached_tokens, use.output_tokens)}, not {charged}."
    cost = (charged[0] * PRICE["input"] + charged[2] * PRICE["output"]) / 1e6
    if use.cost_usd is None or abs(use.cost_usd - cost) > 1e-9:
        yield f"Cost: {use.cost_usd}, not {cost}."


def _of_answer(way: Way, request: Request, found: Talked) -> Iterator[str]:
    verdict = judged(request, found.reply)
    if way.passes and not verdict.passed:
        yield f"The judge finds it wrong: {' '.join([*verdict.faults, *verdict.demo_faults])}"
    if not way.passes and verdict.passed:
        yield "The judge finds it right."
    if way.passes and request.good.ops:
        [*_, last] = found.proposals
        if [dict(one) for one in last.ops] != [dict(one) for one in request.good.ops]:
            yield "Its operations are not those of the model."
        if not last.diff or not last.sentences:
            yield "It has no difference, or no sentences."


def in_every_way(asked: Sequence[Request], ways: Sequence[str]) -> Iterator[Seen]:
    """Yield what comes of each request in each way that fits it."""
    with scripted([]) as model, world(ModelServer(model.base_url, MODEL, price=PRICE)) as made:
        for request in asked:
            for way in ways:
                if fits(way, request):
                    yield answered(made, model, request, way)
