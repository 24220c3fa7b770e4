"""The requests in the short form, for models that read little at once: what its grammar permits, and its effects."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jsonschema import Draft202012Validator

from engine.base.json_text import JsonObject
from engine.copilot.talking.records import About
from evals.copilot.conversation import talked
from evals.copilot.judging import judged
from evals.copilot.requests import Request
from evals.copilot.world import ModelServer, World, world
from tests.scripted_model.scripted import MODEL, Answer, Scripted, scripted

CONTEXT_TOKENS = 8_192
_DONE = "It is proposed."


@dataclass(frozen=True)
class Said:
    """What came of a good answer in the short form."""

    request: Request
    can_be_said: bool
    """Whether the grammar lets a model answer so."""
    faults: Sequence[str]
    """What is wrong with its result; [] also for an answer that cannot be given."""
    tokens: int
    """Of the request with the schema, at four bytes."""


def in_short_form(asked: Sequence[Request]) -> Iterator[Said]:
    """Yield what comes of the good answer of each request."""
    with scripted([]) as model, world(ModelServer(model.base_url, MODEL)) as made:
        model.context = CONTEXT_TOKENS
        for request in asked:
            answer: JsonObject = {
                "words": request.good.text or request.good.question or _DONE,
                "ops": [dict(one) for one in request.good.ops],
            }
            name = made.begin(request)
            about = About(list(request.selection), made.prepare(request, name), list(request.values))
            sent = made.orchestra.copilot.talking.preview(made.person, name, request.ask, about)
            schema = sent.answer_schema
            assert schema is not None, "it is the short form"
            can_be_said = Draft202012Validator(schema).is_valid(answer)
            faults = list(_faults(made, model, request, answer)) if can_be_said else []
            yield Said(request, can_be_said, faults, sent.input_tokens)


def _faults(made: World, model: Scripted, request: Request, answer: JsonObject) -> Iterator[str]:
    """Say what is wrong with the result of an answer, given in a conversation."""
    model.script = [Answer(json.dumps(answer))]
    found = talked(made, request)
    verdict = judged(request, found.reply)
    yield from [*found.broken, *verdict.faults, *verdict.demo_faults]


def short_table(found: Sequence[Said]) -> str:
    """Return how many good answers can be said, by kind, and the most tokens of a request."""
    every, said = (
        Counter(one.request.kind for one in some) for some in (found, [one for one in found if one.can_be_said])
    )
    lines = [f"{kind:<12}{said[kind]} of {count} can be said" for kind, count in every.items()]
    return "\n".join([*lines, f"A request has at most {max((one.tokens for one in found), default=0):,} tokens."])
