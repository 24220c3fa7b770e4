"""A run as a table: a row per loop item or single step, a column per step of the loop, links to what was created."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from clients.service import OTHER_LINK
from clients.wording import plural
from dashboard.base.language import N_, t
from dashboard.base.plain import host_of
from dashboard.drawing.steps import Entry, failure_steps_of, steps_of
from dashboard.parts.run_state import SHOWN_WORST_FIRST, UNDONE, RunStateCell, cell_of, refused, shown_status
from dashboard.parts.status import REJECTED, look_of
from engine.base.statuses import ACTIVE_RUNS, OPEN_STEPS, ListedStatus, RunStatus, StepStatus
from engine.base.step_path import items_around
from engine.base.step_tree import FAILURE_PREFIX
from engine.base.wording import noun as word_of
from engine.plugins.registry import link_word
from engine.record.outcomes import became
from engine.record.types.kind import options_of
from engine.record.types.run import Run
from engine.record.types.step import StepRecord, refusal_of

NOT_REACHED = ""
"""The status of a step that the run never reached."""

_MAKES = ("create_", "upsert_")
_FIRST = (N_("Mail"), N_("Draft"), N_("Issue"), N_("Page"))
"""The kinds of links that come first, in the order in which most workflows make them; others follow by name."""


_PARTLY = {
    "Rejected": RunStateCell(REJECTED, N_("Partly rejected")),
    "ApprovalExpired": RunStateCell(ListedStatus.PARTS_FAILED, N_("Partly approved")),
}
"""Of an item for which something was written, though nobody approved one of its calls."""


@dataclass(frozen=True)
class BoardRow:
    """A loop item, or a step outside of loops. `steps` are its steps; `links` are addresses by kind."""

    path: str
    title: str
    cell: RunStateCell
    steps: Sequence[StepRecord]
    cells: Mapping[str, RunStateCell] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    became: str = ""
    """What became of an item, such as `task`."""


@dataclass(frozen=True)
class Board:
    """The table of a run: `columns` are (path in the workflow, title) of the steps inside its loops."""

    noun: str
    columns: Sequence[tuple[str, str]]
    rows: Sequence[BoardRow]
    kinds: Sequence[str] = ()
    """The kinds of links that rows have, or may get while the run is in progress."""

    @property
    def says_became(self) -> bool:
        """Return whether something became of any item."""
        return any(row.became for row in self.rows)

    def row(self, path: str) -> BoardRow | None:
        """Return the row at a run path."""
        return next((row for row in self.rows if row.path == path), None)


def board(run: Run) -> Board:
    """Return the table of a run document, without the steps that run after a failure of the workflow."""
    return _board(run, steps_of(run["definition"]["workflow"]), became(run))


def failure_board(run: Run) -> Board | None:
    """Return the table of the steps that run after a failure, or None if none has begun."""
    has_begun = any(step["path"].startswith(FAILURE_PREFIX) for step in run["steps"])
    return _board(run, failure_steps_of(run["definition"]["workflow"]), {}) if has_begun else None


def _board(run: Run, entries: Sequence[Entry], became_of: Mapping[str, str]) -> Board:
    builder = _Builder(run, {step["path"]: step for step in run["steps"]}, _of_items(run["steps"]), became_of)
    loops = [entry for entry in entries if entry.step.is_loop and not _is_inside_loop(entry)]
    children = [(one.path, one.step.title) for loop in loops for one in entries if one.parent is loop]
    noun = next((word_of(str(step["noun"]), "item") for step in run["steps"] if "items" in step), "")
    rows = [row for entry in entries if not _is_inside_loop(entry) for row in builder.rows(entry)]
    if options_of(run).get("corrects") is not None:
        rows.sort(key=lambda row: all(map(_is_taken_over, row.steps)))  # first what it did
    return Board(noun, children, rows, _link_kinds(rows, entries if run["status"] in ACTIVE_RUNS else []))


def _is_taken_over(step: StepRecord) -> bool:
    return step["status"] == StepStatus.SKIPPED or bool(step.get("replayed"))


def _link_kinds(rows: Iterable[BoardRow], entries: Iterable[Entry]) -> list[str]:
    """Return the kinds of links in a fixed order, so that no column moves while a run is in progress."""
    found = {kind for row in rows for kind in row.links}
    found |= {link_word(entry.step.uses) for entry in entries if entry.step.uses.partition(".")[2].startswith(_MAKES)}
    place = {kind: index for index, kind in enumerate(_FIRST)}
    return sorted(found, key=lambda kind: (place.get(kind, len(place)), kind == OTHER_LINK, kind))


def _is_inside_loop(entry: Entry) -> bool:
    return any(up.step.is_loop for up in entry.up() if up is not entry)


def _of_items(steps: Iterable[StepRecord]) -> Mapping[str, list[StepRecord]]:
    """Return the steps of each item of an outermost loop, by the item's path."""
    found: dict[str, list[StepRecord]] = defaultdict(list)
    for step in steps:
        around = items_around(step["path"])
        if around and around[0] != step["path"]:
            found[around[0]].append(step)
    return found


@dataclass(frozen=True)
class _Builder:
    run: Run
    by_path: Mapping[str, StepRecord]
    of_items: Mapping[str, Sequence[StepRecord]]
    became: Mapping[str, str]

    def rows(self, entry: Entry) -> Iterator[BoardRow]:
        """Return the rows of a step outside of loops; a group has none of its own."""
        if entry.step.is_loop:
            yield from self._loop(entry)
        elif entry.step.uses and self._is_shown(entry):
            step = self.by_path.get(entry.path)
            steps = [step] if step else []
            yield BoardRow(entry.path, entry.step.title, self._cell(step), steps, links=dict(_made(steps)))

    def _is_shown(self, entry: Entry) -> bool:
        """Return whether to show a step: a fallback only once it was needed."""
        return entry.path in self.by_path or not entry.is_fallback

    def _loop(self, entry: Entry) -> Iterator[BoardRow]:
        loop = self.by_path.get(entry.path)
        if loop is None or "items" not in loop:
            yield BoardRow(entry.path, entry.step.title, self._cell(loop), [loop] if loop else [])
            return
        sources = _sources(self.run["steps"])
        names = [child.id for child in entry.step.inside() if child.place[0] == "steps"]
        for index, (key, title) in enumerate(loop["items"]):
            path = f"{entry.path}[{index}]"
            if not self._is_meant(path):
                continue
            yield self._item(entry, path, str(title or key), sources.get(str(key), {}), names)

    def _is_meant(self, path: str) -> bool:
        """Return whether to show an item: of a correction, only the one that it does again."""
        corrects = options_of(self.run).get("corrects")
        if corrects is None or path in items_around(corrects["step"]):
            return True
        return path in self.by_path and self.by_path[path]["status"] != StepStatus.SKIPPED

    def _item(self, loop: Entry, path: str, title: str, own_links: Mapping[str, str], names: Sequence[str]) -> BoardRow:
        steps = self.of_items.get(path, [])
        cells = {f"{loop.path}.{name}": self._inner_cell(f"{path}.{name}", steps) for name in names}
        cell = _with_refused(_with_undone(_with_asked(self._cell(self.by_path.get(path)), steps), steps), steps)
        links = {**own_links, **dict(_made(steps))}
        return BoardRow(path, title, cell, steps, cells, links, self.became.get(path, ""))

    def _inner_cell(self, path: str, steps: Sequence[StepRecord]) -> RunStateCell:
        step = self.by_path.get(path)
        if step is not None and (step["uses"] or step["status"] != StepStatus.PENDING):
            return self._cell(step)
        inside = [shown_status(one) for one in steps if one["path"].startswith((f"{path}.", f"{path}["))]
        worst = next((status for status in SHOWN_WORST_FIRST if status in inside), None)
        return self._cell(step) if worst is None else RunStateCell(worst, look_of(worst).english)

    def _cell(self, step: StepRecord | None) -> RunStateCell:
        if step is None:
            is_active = self.run["status"] in ACTIVE_RUNS
            return (
                RunStateCell(StepStatus.PENDING, N_("Pending"))
                if is_active
                else RunStateCell(NOT_REACHED, N_("Not reached"))
            )
        return cell_of(step)


def _with_asked(cell: RunStateCell, steps: Iterable[StepRecord]) -> RunStateCell:
    """Return the status of an item at work: that of the step that waits, if none of its steps runs."""
    called = [step for step in steps if step["uses"]]
    waits = next((step for step in called if step["status"] == StepStatus.WAITING), None)
    if waits is None or cell.status != StepStatus.RUNNING:
        return cell
    return cell if any(step["status"] == StepStatus.RUNNING for step in called) else cell_of(waits)


def _with_undone(cell: RunStateCell, steps: Iterable[StepRecord]) -> RunStateCell:
    """Return the status of an item that succeeded, and whether what its steps wrote has been undone since."""
    undone = [bool(step["effect"].get("undone")) for step in steps if step["effect"]]
    if cell.status != StepStatus.SUCCEEDED or not any(undone):
        return cell
    return UNDONE if all(undone) else RunStateCell(cell.status, N_("Partly undone"))


def _with_refused(cell: RunStateCell, steps: Sequence[StepRecord]) -> RunStateCell:
    """Return the status of an item that succeeded without a call that nobody approved."""
    step = next(filter(refusal_of, steps), None)
    if cell.status != StepStatus.SUCCEEDED or step is None:
        return cell
    return _PARTLY[str(refusal_of(step))] if any(one["effect"] for one in steps) else refused(step) or cell


def _made(steps: Iterable[StepRecord]) -> Iterator[tuple[str, str]]:
    """Yield (kind, address) of everything that steps have created and that was not undone."""
    for step in steps:
        receipt = step["effect"]["receipt"] if step["effect"] and not step["effect"].get("undone") else None
        url = receipt["url"] if receipt else ""
        if host_of(url):
            yield link_word(str(step["uses"] or "")), url


def _sources(steps: Iterable[StepRecord]) -> Mapping[str, Mapping[str, str]]:
    """Return the addresses of what was read before, by its id: the items of a loop usually come from there."""
    found: dict[str, dict[str, str]] = {}
    for step in steps:
        if "[" in step["path"] or not isinstance(step["output"], Mapping):
            continue
        for values in step["output"].values():
            for one in values if isinstance(values, list) else []:
                if isinstance(one, Mapping) and host_of(str(one.get("url") or "")):
                    for key in ("id", "number", "sha"):
                        if key in one:
                            found.setdefault(str(one[key]), {link_word(str(step["uses"])): str(one["url"])})
    return found


def progress(run: Run, shown: Board) -> tuple[float, str]:
    """Return the progress of a run, as a fraction and in words."""
    done = sum(row.cell.status not in (*OPEN_STEPS, NOT_REACHED) for row in shown.rows)
    total = max(len(shown.rows), 1)
    thing = t("{plural} and steps", plural=plural(shown.noun)) if shown.noun else t("steps")
    return done / total, t("Starting") if run["status"] == RunStatus.QUEUED else t(
        "{done} of {total} {thing} done", done=done, total=total, thing=thing
    )
