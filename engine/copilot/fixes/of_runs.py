"""A failed run in words, and changes that may mend its failure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from clients.wording import counted, listed
from engine.base.json_text import JsonObject
from engine.base.step_tree import step_nodes
from engine.copilot.fixes.records import Idea, Operation
from engine.record.outcomes import failed_items, rejected_calls
from engine.record.types.run import Run
from engine.record.types.step import Failure, StepRecord

KEPT = "what it has done is not done again"
"""Words of an answer about a run that can be resumed."""
AGAIN = "What was written before stays and is not written again, the same"
"""Words of an answer about a run that must be started again."""
_MOST_STEPS = 5
_MOST_ITEMS = 3
_INPUT = re.compile(r"\{\{ *inputs\.(?P<name>\w+) *\}\}")
_THERE = "; it shows "
_ONLY_ONE = re.compile(rf"{_THERE}(?!none\.)(?P<name>[^,\n]+)\.\Z")
"""The end of an error that lists the names that there are, if there is one."""
_MISSING_ITEM = re.compile(r"(?P<list>\b[a-z_]\w*(?:\.\w+)*)\[0\]")
_ATTEMPTS, _PAUSE_SECONDS = 5, 2  # pauses of 2, 4, 8 and 16 seconds: half a minute together


class _Unknown(NamedTuple):
    """A name that a service does not know."""

    field: str
    """The field of the step that has the unknown name."""
    value: str
    input: str
    """The input that has it, "" if it is written in the step."""


def explained_run(run: Run, fix: Idea | None, *, is_changed: bool, is_new_run: bool) -> str:
    """Return how a run ended, which steps failed and why, what it had written by then, and what to do next.

    `fix`: the change of its workflow that may mend it; `is_changed`: whether the saved workflow is another one by now;
    `is_new_run`: whether the workflow, with `fix`, differs in a step that the run has finished.

    A loop or an item fails because of a step: only steps are named, and once for all items with the same failure.
    """
    failed = [one for one in run["steps"] if one["error"] is not None]
    causes: dict[tuple[str, str], list[StepRecord]] = {}
    for one in [one for one in failed if one["uses"] is not None] or failed:
        causes.setdefault((one["id"], _words(one["error"])), []).append(one)
    lines = [f"Run {run['run_id']}: {run['sentence']}"]
    titles = {one["path"]: one["title"] for one in run["steps"]}
    lines += [f"- {_failed(same, titles)}: {why}" for (_, why), same in list(causes.items())[:_MOST_STEPS]]
    if len(causes) > _MOST_STEPS:
        lines.append(f"… and {len(causes) - _MOST_STEPS} more failures.")
    lines += _written(run)
    if run["status"] in ("failed", "cancelled"):
        lines.append(_what_next(run, fix, is_changed=is_changed, is_new_run=is_new_run))
    return "\n".join(lines)


def _what_next(run: Run, fix: Idea | None, *, is_changed: bool, is_new_run: bool) -> str:
    """Return which button of its page to press, and when: one uses the file as it is, another one as it was."""
    again, kept = _button(run), KEPT
    given = _wrong_input(run)
    if given:
        return (
            f"It has the name of its input {given}, and it keeps its inputs, whatever the workflow says by now: "
            'press "With different inputs" on its page, under "More options".'
        )
    is_in_workflow = fix is not None and any(one["field"] != "retry" for one in fix.ops)
    if not is_changed and not is_in_workflow:
        return f'Correct the cause, then press "{again}" on its page: {kept}. It uses the workflow as you change it.'
    first = "The workflow has changed since. Press" if is_changed else "Correct the workflow and save it, then press"
    if is_new_run:
        return (
            f'{first} "Run again" on its page: the change is in a step that this run has finished, so it cannot go on '
            f'with it. {AGAIN}. "{again}" uses the workflow as it was.'
        )
    return (
        f'{first} "{again}" on its page: {kept}. "Go on without the changes", under "More options", uses the workflow '
        "as it was."
    )


def _wrong_input(run: Run) -> str:
    """Return the input of a run whose name a service does not know, if any."""
    steps = {one.step.id: one.step.json for one in step_nodes(run["definition"]["workflow"])}
    found = (one.input for step in run["steps"] for one in _unknown(step, steps, run["inputs"]) if one.input)
    return next(found, "")


def _button(run: Run) -> str:
    """Return the label of the button of its page that resumes it."""
    items = failed_items(run)
    if run["status"] != "failed":
        return "Resume"
    if rejected_calls(run):
        return "Ask again"
    return f"Run the failed {items} again" if items else "Try again"


def _failed(same: Sequence[StepRecord], titles: Mapping[str, str]) -> str:
    """Return the name of a step that failed, and the items for which it did."""
    step = same[0]
    places = [one["path"].rpartition(".")[0] for one in same]
    items = [f'"{titles[one]}"' for one in places if one.endswith("]") and one in titles]
    more = [f"{len(items) - _MOST_ITEMS} more"] if len(items) > _MOST_ITEMS else []
    of = f" for {listed([*items[:_MOST_ITEMS], *more])}" if items else ""
    return f"{step['title']} ({step['uses'] or step['path']}){of}"


def _words(error: Failure | None) -> str:
    if error is None:
        return ""
    again = " The same call may succeed later." if error["retryable"] else ""
    unknown = " Whether the write arrived is not known." if error["outcome"] == "unknown" else ""
    return f"{error['message']} {error['remedy'] or ''}{again}{unknown}".strip()


def _written(run: Run) -> Iterator[str]:
    counts = run["counts"]
    if counts["new_effects"] or counts["reused_effects"]:
        before = f"; {counts['reused_effects']} more had been made before" if counts["reused_effects"] else ""
        yield f"It had made {counted(counts['new_effects'], 'write')} by then{before}."
    elif run["status"] == "failed":
        yield "It had written nothing."
    if counts["unknown_effects"]:
        yield f"{counts['unknown_effects']} writes may have arrived: look at the service before you resume."


def run_ideas(run: Run, steps: Mapping[str, JsonObject], defaults: JsonObject) -> Iterator[Idea]:
    """Yield changes that may mend the failure; `steps`: of the draft, by id; `defaults`: of its inputs."""
    for one in run["steps"]:
        step, error = steps.get(one["id"]), one["error"]
        if error is not None and step is not None:
            yield from _only_name(one, steps, defaults)
            yield from _only_if_there(one, step, error)
            yield from _again(one, step, error)


def _only_name(one: StepRecord, steps: Mapping[str, JsonObject], defaults: JsonObject) -> Iterator[Idea]:
    """Yield the only name that there is, for one that the service does not know."""
    error = one["error"]
    there = _ONLY_ONE.search(error["message"]) if error is not None else None
    if there is None:
        return
    name = there["name"]
    for unknown in _unknown(one, steps, defaults):
        yield Idea(f"{unknown.field}: {unknown.value} → {name}", _everywhere(one, steps, unknown, name))


def _everywhere(one: StepRecord, steps: Mapping[str, JsonObject], unknown: _Unknown, meant: str) -> list[Operation]:
    """Return what sets an input, or a field of a step and of the others of its service with the same value there."""
    if unknown.input:
        return [{"op": "set", "field": f"inputs.properties.{unknown.input}.default", "value": meant}]
    service = (one["uses"] or "").partition(".")[0]
    alike = [
        id_
        for id_, step in steps.items()
        if str(step.get("uses")).partition(".")[0] == service
        and (step.get("with") or {}).get(unknown.field) == unknown.value
    ]
    return [_set(id_, f"with.{unknown.field}", meant) for id_ in alike]


def _unknown(one: StepRecord, steps: Mapping[str, JsonObject], inputs: JsonObject) -> Iterator[_Unknown]:
    """Yield the names in a step that its service does not know: written there, or given by an input."""
    error = one["error"]
    if error is None or error["type"] != "NotFound":
        return
    said = error["message"].partition(_THERE)[0]
    for field, written in ((steps.get(one["id"]) or {}).get("with") or {}).items():
        found = _INPUT.fullmatch(written) if isinstance(written, str) else None
        value = inputs.get(found["name"]) if found is not None else written
        if isinstance(value, str) and value and "{{" not in value and value in said:
            yield _Unknown(field, value, found["name"] if found is not None else "")


def not_mended(run: Run, steps: Mapping[str, JsonObject], defaults: JsonObject) -> str:
    """Return that nothing is known that mends a run, and how to give the name that was meant."""
    found = next(((one["id"], name) for one in run["steps"] for name in _unknown(one, steps, defaults)), None)
    if found is None:
        return "I know no change that certainly mends this."
    step, unknown = found
    if unknown.input:
        return f'I do not know which name is meant. Change the default of the input "{unknown.input}".'
    return f"I do not know which name is meant. Give it: set {step}.{unknown.field} to NAME"


def _only_if_there(one: StepRecord, step: JsonObject, error: Failure) -> Iterator[Idea]:
    """Yield that the step only runs if the list whose first item it uses has one."""
    text = _value(step, error["field"] or "")
    found = _MISSING_ITEM.search(text) if isinstance(text, str) and error["type"] == "ExpressionError" else None
    if found is not None and "if" not in step:
        condition = f"size({found['list']}) > 0"
        label = f"{step.get('title') or one['id']}: only if {found['list']} has an item"
        yield Idea(label, [_set(one["id"], "if", f"{{{{ {condition} }}}}")])


def _again(one: StepRecord, step: JsonObject, error: Failure) -> Iterator[Idea]:
    """Yield more attempts for what may succeed later."""
    given = step.get("retry")
    before = given if isinstance(given, Mapping) else {}
    attempts = before.get("attempts", 1)
    if error["retryable"] and isinstance(attempts, int) and attempts < _ATTEMPTS:
        retry = {"backoff_seconds": _PAUSE_SECONDS, **before, "attempts": _ATTEMPTS}
        yield Idea(f"Try {one['title']} {_ATTEMPTS} times", [_set(one["id"], "retry", retry)])


def _set(step: str, field: str, value: Any) -> Operation:
    return {"op": "set", "step": step, "field": field, "value": value}


def _value(step: JsonObject, field: str) -> Any:
    """Return the value of a field of a step, if it has one."""
    found: Any = step
    for part in field.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found
