"""The co-pilot's ten questions, which the demo's model answers by a script from the workflow in the request.

It uses the same tools as a real model: it draws, proposes changes, and tries them in the demo.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from demo.model.document import text_of

Message = Mapping[str, Any]
Step = Mapping[str, Any]
_TOOLS = {"propose", "try_in_demo", "draw"}
_WORKFLOW, _REQUEST = re.compile(r'^# The workflow "[^\n]*\n'), "\n# The request\n"
_RUN = re.compile(r"\n# (?:The last run, which has failed|The run that the person talks about)\n<data>\n(.*)\n</data>")
_SIGNATURE = re.compile(r"^([\w.]+)\(.*\| (pure|reads|writes)(?:, \w+)? \| [^|]*$", re.MULTILINE)
"""A line of the system message that describes a step type."""
_EVERY_WEEKDAY = "0 8 * * 1-5"


@dataclass(frozen=True)
class CopilotMove:
    """What the model does next: a tool call, or its closing words."""

    text: str = ""
    tool: str = ""
    given: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class SeenRequest:
    """The conversation, as sent to the model."""

    messages: Sequence[Message]

    @property
    def request(self) -> str:
        """The last message of the person, with the workflow."""
        return next((text_of(one) for one in reversed(self.messages) if one.get("role") == "user"), "")

    @property
    def question(self) -> str:
        """The person's question."""
        return self.request.rpartition(_REQUEST)[2].strip()

    @cached_property
    def workflow(self) -> Mapping[str, Any]:
        """The edited workflow; empty if it cannot be read."""
        begun = _WORKFLOW.match(self.request)
        with suppress(ValueError, RecursionError):
            found, _ = json.JSONDecoder().raw_decode(self.request[begun.end() if begun else 0 :])
            if isinstance(found, dict):
                return found
        return {}

    @cached_property
    def effects(self) -> Mapping[str, str]:
        """What each step type does outside: `pure`, `reads` or `writes`."""
        return dict(_SIGNATURE.findall(text_of(self.messages[0])))

    @cached_property
    def steps(self) -> Sequence[tuple[Step, Sequence[Step]]]:
        """Each step, with the steps around it, the outermost first."""
        return list(_walked(self.workflow.get("steps"), ()))

    def of_effect(self, *effects: str) -> list[tuple[Step, Sequence[Step]]]:
        """Return the steps whose type has one of these effects."""
        return [one for one in self.steps if self.effects.get(str(one[0].get("uses"))) in effects]

    @property
    def failed(self) -> Sequence[Mapping[str, Any]]:
        """The failed steps of the run in the request, if there is one."""
        run = _RUN.search(self.request)
        with suppress(ValueError, RecursionError):
            return [one for one in json.loads(run[1])["steps"] if one.get("error")] if run else []
        return []

    @property
    def results(self) -> list[Any]:
        """The tools' results since the person asked."""
        last = max((n for n, one in enumerate(self.messages) if one.get("role") == "user"), default=-1)
        return [_object(text_of(one)) for one in self.messages[last + 1 :] if one.get("role") == "tool"]


def move(messages: Sequence[Message], tools: Sequence[Mapping[str, Any]]) -> CopilotMove | None:
    """Return the model's next move in a conversation with the co-pilot, or None if there is no script for it."""
    offered = {one.get("function", {}).get("name") for one in tools}
    if not offered >= _TOOLS:
        return None
    seen = SeenRequest(messages)
    script = QUESTIONS.get(seen.question)
    if script is None:
        return None
    moves = script(seen)
    # One move for each result so far; the last move is repeated.
    return moves[min(len(seen.results), len(moves) - 1)]


def _what(seen: SeenRequest) -> list[CopilotMove]:
    about = str(seen.workflow.get("description") or "").strip()
    lines = [f"- **{_title(one)}**{_type(one)}{_if(one)}" for one, _ in seen.steps]
    said = [f"**{seen.workflow.get('title') or 'This workflow'}**", about, f"Its {_count(lines, 'step')}:", *lines]
    return [CopilotMove(tool="draw", given={"steps": []}), CopilotMove("\n".join(one for one in said if one))]


def _starts(seen: SeenRequest) -> list[CopilotMove]:
    triggers = [one for one in seen.workflow.get("triggers") or [] if isinstance(one, dict)]
    if not triggers:
        return [
            CopilotMove("Nothing but you: it has no trigger. Press **Run**, or ask me to start it every weekday at 8.")
        ]
    lines = [f"- `{one.get('uses')}`{_fields(one)}" for one in triggers]
    return [CopilotMove("\n".join([f"{_count(lines, 'trigger')}, each only while it is turned on:", *lines]))]


def _writes(seen: SeenRequest) -> list[CopilotMove]:
    found = seen.of_effect("writes")
    if not found:
        return [CopilotMove("None: it only reads and computes.")]
    approved = ("", ", after you have approved it")
    lines = [f"- **{_title(one)}**{_type(one)}{_if(one)}{approved[_is_approved(one)]}" for one, _ in found]
    return [CopilotMove("\n".join([f"{_count(lines, 'step')}:", *lines]))]


def _again(seen: SeenRequest) -> list[CopilotMove]:
    found = seen.of_effect("writes")
    if not found:
        return [CopilotMove("It writes nothing, so a second run repeats nothing.")]
    said = "No. A write is known by the place of its step and the keys around it, and is not made twice:"
    lines = [f"- **{_title(one)}**: {_known_by(around)}" for one, around in found]
    return [CopilotMove("\n".join([said, *lines]))]


def _known_by(around: Sequence[Step]) -> str:
    keys = [f"`{one['key']}`" for one in around if one.get("key")]
    if keys:
        return f"once for each {' and '.join(keys)}"
    return "by the place in its loop, which has no `key`: give it one" if around else "by its place alone"


def _fails(seen: SeenRequest) -> list[CopilotMove]:
    tried = [f"`{one['id']}` {one['retry']['attempts']} times" for one, _ in seen.steps if _attempts(one)]
    goes_on = [
        f"`{one['id']}`" for one, _ in seen.steps if "continue" in (one.get("on_error"), one.get("on_item_error"))
    ]
    after = _walked((seen.workflow.get("on_failure") or {}).get("steps"), ())
    said = [
        f"First it is tried again: {', '.join(tried)}." if tried else "No step is tried again by a rule of its own.",
        f"The run goes on behind {', '.join(goes_on)}; any other failure ends it."
        if goes_on
        else "Then the run ends there. What has been written stays, and you can resume it: nothing is written twice.",
        *(f"In the end, **{_title(one)}** runs." for one, _ in after),
    ]
    return [CopilotMove(" ".join(said))]


def _why(seen: SeenRequest) -> list[CopilotMove]:
    if not seen.failed:
        return [CopilotMove("The last run has not failed.")]
    lines = [
        f"- `{one.get('path')}` ({one.get('uses')}): {one['error'].get('type')}{_place(one['error'])}"
        for one in seen.failed
    ]
    said = "I am sent kinds of errors, not their words. These failed:"
    end = "The page of the run has the words, and what to do; `why did it fail` quotes them here."
    return [
        CopilotMove(tool="run_facts", given={"run": "", "step": ""}),
        CopilotMove("\n".join([said, *lines, "", end])),
    ]


def _place(error: Mapping[str, Any]) -> str:
    return f", in `{error['field']}`" if error.get("field") else ""


def _ask(seen: SeenRequest) -> list[CopilotMove]:
    ops = [_approve(one) for one, _ in seen.of_effect("writes") if not _is_approved(one)]
    if not ops:
        return [CopilotMove("Nothing is left to ask about: no step writes without you.")]
    made = _proposal(seen)
    return [
        _propose(ops, "You are asked before each write."),
        CopilotMove(tool="try_in_demo", given={"proposal": made}) if made else _refused(),
        CopilotMove("It is proposed, and has run in the demo: the card says what it wrote, and what it would ask you."),
    ]


def _retry(seen: SeenRequest) -> list[CopilotMove]:
    calls = [one for one, _ in seen.of_effect("reads", "writes") if not one.get("retry")]
    ops = [_set(one, "retry", {"attempts": 3, "backoff_seconds": 2}) for one in calls]
    if not ops:
        return [CopilotMove("Each step that uses a service has a rule for that already.")]
    end = "A step that fails is tried twice more, two seconds later at first."
    return [_propose(ops, "Each call of a service is tried three times."), _end(seen, end)]


def _weekdays(seen: SeenRequest) -> list[CopilotMove]:
    before = [one for one in seen.workflow.get("triggers") or [] if isinstance(one, dict)]
    if any((one.get("with") or {}).get("cron") == _EVERY_WEEKDAY for one in before):
        return [CopilotMove("It does already.")]
    ids = {one.get("id") for one in before}
    id_ = next(one for one in ("weekdays", *(f"weekdays_{n}" for n in range(2, 99))) if one not in ids)
    new = {"id": id_, "uses": "schedule", "with": {"cron": _EVERY_WEEKDAY}}
    op = {"op": "set", "field": "triggers", "value": [*before, new]}
    end = "It needs your tick: from then on it can start without you. A trigger also has to be turned on."
    return [_propose([op], "It starts every weekday at 8."), _end(seen, end)]


def _notes(seen: SeenRequest) -> list[CopilotMove]:
    asks = [one for one, _ in seen.steps if str(one.get("uses")).partition(".")[0] in ("llm", "agent")]
    ops = [{"op": "notes", "step": one["id"], "text": "A model decides here."} for one in asks if not one.get("note")]
    if not ops:
        return [CopilotMove("No step without a note asks a model.")]
    return [_propose(ops, "A note on each step that asks a model."), _end(seen, "A note changes nothing that runs.")]


QUESTIONS: Mapping[str, Callable[[SeenRequest], list[CopilotMove]]] = {
    "What does this workflow do?": _what,
    "What starts it?": _starts,
    "Which steps write something?": _writes,
    "Would a second run write the same again?": _again,
    "What happens if a step fails?": _fails,
    "Why did the last run fail?": _why,
    "Ask me before each write, and try it in the demo.": _ask,
    "Try each step that uses a service three times.": _retry,
    "Start it every weekday at 8.": _weekdays,
    "Put a note on each step that asks a model.": _notes,
}
"""The panel's questions, word for word, with a function that returns a move for each turn."""


def _walked(given: Any, around: Sequence[Step]) -> Iterator[tuple[Step, Sequence[Step]]]:
    for one in given if isinstance(given, list) else ():
        if isinstance(one, dict) and one.get("id"):
            yield one, around
            yield from _walked(one.get("steps"), (*around, one))


def _propose(ops: Sequence[Mapping[str, Any]], why: str) -> CopilotMove:
    return CopilotMove(tool="propose", given={"ops": [*ops], "why": why})


def _proposal(seen: SeenRequest) -> str:
    """Return the id of the proposal made since the person asked, or "" if it does not compile."""
    made = seen.results[0] if seen.results else None
    return str(made.get("proposal", "")) if isinstance(made, dict) else ""


def _refused() -> CopilotMove:
    return CopilotMove("The change does not compile together with what is in the draft now. Mend its problems first.")


def _end(seen: SeenRequest, text: str) -> CopilotMove:
    return (
        CopilotMove(f"It is proposed. {text} Nothing changes before you accept it.") if _proposal(seen) else _refused()
    )


def _set(step: Step, field: str, value: Any) -> dict[str, Any]:
    return {"op": "set", "step": step["id"], "field": field, "value": value}


def _is_approved(step: Step) -> bool:
    rule = step.get("approve")
    return (rule.get("when") if isinstance(rule, dict) else rule) == "always"


def _approve(step: Step) -> dict[str, Any]:
    rule = step.get("approve")
    return _set(step, "approve", {**rule, "when": "always"} if isinstance(rule, dict) else "always")


def _title(step: Step) -> str:
    return str(step.get("title") or step["id"])


def _type(step: Step) -> str:
    return f" (`{step['uses']}`)" if step.get("uses") else ""


def _if(step: Step) -> str:
    loop = f", for each of `{step['foreach']}`" if step.get("foreach") else ""
    return f"{loop}, only if `{step['if']}`" if step.get("if") else loop


def _fields(trigger: Mapping[str, Any]) -> str:
    given = trigger.get("with")
    return f": `{json.dumps(given, ensure_ascii=False)}`" if given else ""


def _attempts(step: Step) -> bool:
    retry = step.get("retry")
    return isinstance(retry, dict) and "attempts" in retry


def _count(found: Sequence[object], what: str) -> str:
    return f"{len(found)} {what}{'' if len(found) == 1 else 's'}"


def _object(text: str) -> Any:
    with suppress(ValueError, RecursionError):
        return json.loads(text)
    return None
