"""What a request means as a change of a workflow: what each kind of rule makes of it, and of the steps it points at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from engine.copilot.rules.changes import changed
from engine.copilot.rules.conditions import conditioned
from engine.copilot.rules.contents import contained
from engine.copilot.rules.dropped import dropped
from engine.copilot.rules.handling import handled
from engine.copilot.rules.pointing import pointed
from engine.copilot.rules.replacing import replaced
from engine.copilot.rules.requests import NotThere, UnderstoodRequest, understood
from engine.copilot.wizard.amounts import READ, lengths, readable, unread, with_length
from engine.copilot.wizard.unused import parts_between, refusal_of
from engine.documents.json_file import object_in
from engine.workflows.editing.graph import CanvasStep

if TYPE_CHECKING:
    from engine.workflows.editing.editing import Canvas


class Dropped(Exception):
    """A change would lack a part of what was said; the message says which."""


def meant(said: str, canvas: Canvas, selected: Sequence[CanvasStep] = ()) -> UnderstoodRequest | None:
    """Return the change of a workflow that is meant, where words such as `this` mean the selected steps.

    Raises NotThere, and Dropped for what no rule uses wholly.
    """
    told = [(words, one.id) for one in selected if (words := pointed(said, canvas.steps, one.id)) is not None]
    known = [made for words, step in told if (made := _meant(words, canvas, step)) is not None]
    if not known or len(known) < len(selected):
        return _meant(said, canvas)
    every = [op for one in known for op in one.ops]
    ops = [op for place, op in enumerate(every) if op not in every[:place]]
    if len(known) > 1 and any(op["op"] == "rename" for op in ops):
        raise NotThere("Each step needs an id of its own: select one of them.")
    return UnderstoodRequest("; ".join(dict.fromkeys(one.words for one in known)), ops)


def _meant(said: str, canvas: Canvas, only: str = "") -> UnderstoodRequest | None:
    """Return the change that is meant; `only`: the id of the step that it has to be about, if any.

    Raises NotThere, and Dropped for what no rule uses wholly.
    """
    amounts = unread(said)
    if amounts and _is_change(readable(said), canvas):
        raise Dropped(f"{refusal_of(amounts)} {READ}")
    first: list[str] = []
    for change in _meanings(said, canvas):
        if only and change.ops and _steps_of(change) != {only}:
            continue
        left = amounts or dropped(said, change) or _beside(said, canvas, change)
        if not left:
            return change
        first = first or left
    if first:
        raise Dropped(refusal_of(first))
    unread_lengths = lengths(said)
    if unread_lengths and _is_change(with_length(said), canvas):
        raise Dropped(f"{refusal_of(unread_lengths)} {READ}")
    return None


def _beside(said: str, canvas: Canvas, change: UnderstoodRequest) -> list[str]:
    """Return the parts between semicolons without which a request means the same."""
    return [part for part, others in parts_between(said) if _means(others, canvas, change)]


def _means(said: str, canvas: Canvas, change: UnderstoodRequest) -> bool:
    try:
        return any(one.ops == change.ops for one in _meanings(said, canvas))
    except NotThere:
        return False


def _is_change(said: str, canvas: Canvas) -> bool:
    try:
        return any(True for _ in _meanings(said, canvas))
    except NotThere:
        return False


def _steps_of(change: UnderstoodRequest) -> set[str]:
    """Return the ids of the steps that a change is about."""
    return {id_ for op in change.ops for id_ in (op.get("steps") or [op.get("step")]) if isinstance(id_, str)}


def _meanings(said: str, canvas: Canvas) -> Iterator[UnderstoodRequest]:
    """Yield what each kind of rule makes of a request. Raises NotThere at the end if nothing else is found."""
    document, steps = object_in(canvas.text) or {}, canvas.steps
    is_found = False
    missing: NotThere | None = None
    kinds: Sequence[Callable[[], UnderstoodRequest | None]] = (
        lambda: conditioned(said, document, steps),
        lambda: changed(said, document, steps),
        lambda: understood(said, document, steps),
        lambda: handled(said, document, steps),
        lambda: contained(said, document, steps),
        lambda: replaced(said, document),
    )
    for kind in kinds:
        try:
            change = kind()
        except NotThere as error:
            missing = missing or error
            continue
        if change is not None:
            is_found = True
            yield change
    if missing is not None and not is_found:
        raise missing
