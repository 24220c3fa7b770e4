"""A plan as people and programs see it, put together from its planning runs."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct
from typing_extensions import ReadOnly, TypedDict

from engine.base.clock import timestamp
from engine.base.json_text import JsonObject
from engine.base.lazy_values import marked
from engine.base.statuses import RunStatus
from engine.base.step_path import in_workflow
from engine.compiler.definition.plan import Plan
from engine.plugins.step import Effect
from engine.record.plans.applied_run import expires_at
from engine.record.plans.previews import difference
from engine.record.types.run import AccountRecord, EnvironmentRecord, Run
from engine.record.types.step import Failure, ReceiptRecord, StepRecord, UsageRecord
from engine.record.values import Values
from engine.runs.call_texts import written_gaps
from engine.store.blobs.blobs import Blobs

ALWAYS_ASK = '"approvals": {"default": "always"}'
"""The setting of a workflow with which a run asks for approval of each write."""

_STEPS = re.compile(r"[^./\[\]]+(?:\[(?P<item>\d+)\])?")

PlanState = Literal["planning", "open", "applied", "drifted", "expired", "failed"]


class PreviewView(TypedDict):
    """What a write would do."""

    title: ReadOnly[str]
    text: ReadOnly[str]
    before: ReadOnly[str | None]
    """What is there now; None: the write makes something new."""
    difference: ReadOnly[str | None]
    """From `before` to `text`, as a unified diff; None if there is no `before`, or they are equal."""


class PlannedWrite(TypedDict):
    """A write of a plan."""

    path: ReadOnly[str]
    """Of a called workflow, after the path of the calling step and "/"."""
    title: ReadOnly[str]
    """Of the item of a loop that it is made for, else of the step."""
    uses: ReadOnly[str]
    connection: ReadOnly[str | None]
    account: ReadOnly[str]
    arguments: ReadOnly[JsonObject]
    """As they will be sent; parts that are not known yet stand between double angle brackets."""
    unknown: ReadOnly[Sequence[str]]
    """The paths of the arguments that are not known yet."""
    may: ReadOnly[str | None]
    """Why it may not be made; None if it will."""
    approval: ReadOnly[bool]
    """Whether a person has to approve it first, by the rules as they were when it was planned."""
    gaps: ReadOnly[Sequence[str]]
    """The gaps that its texts still have, such as `[your answer]`: once the plan is applied, they cannot be edited."""
    preview: ReadOnly[PreviewView | None]


class KeptWrite(TypedDict):
    """A write that an earlier run has made, and that the plan leaves as it is."""

    path: ReadOnly[str]
    title: ReadOnly[str]
    """As of a planned write."""
    uses: ReadOnly[str]
    note: ReadOnly[str]
    receipt: ReadOnly[ReceiptRecord | None]


class PossibleWrite(TypedDict):
    """A write that is not planned, because it is only made after a failure, or in a workflow that may be called."""

    path: ReadOnly[str]
    uses: ReadOnly[str]
    because: ReadOnly[str]


class PlanNote(TypedDict):
    """What else happens when the plan is applied, or what it could not look into."""

    path: ReadOnly[str]
    note: ReadOnly[str]


class PlanChange(TypedDict):
    """Something that is not as it was when the plan was made; `before` and `after` are texts for people."""

    path: ReadOnly[str]
    """The step, the file or the setting."""
    before: ReadOnly[str]
    after: ReadOnly[str]


class PlanDocument(TypedDict):
    """A plan (docs/files.md: Plan)."""

    plan_id: ReadOnly[str]
    hash: ReadOnly[str]
    state: ReadOnly[PlanState]
    workflow: ReadOnly[str]
    title: ReadOnly[str]
    """Of the workflow, as it was planned."""
    demo: ReadOnly[bool]
    made_by: ReadOnly[str]
    made_at: ReadOnly[str]
    expires_at: ReadOnly[str]
    applied_run_id: ReadOnly[str | None]
    environment: ReadOnly[EnvironmentRecord | None]
    """None if the workspace had no environments."""
    accounts: ReadOnly[Mapping[str, AccountRecord]]
    inputs: ReadOnly[JsonObject]
    writes: ReadOnly[Sequence[PlannedWrite]]
    kept: ReadOnly[Sequence[KeptWrite]]
    may_happen: ReadOnly[Sequence[PossibleWrite]]
    notes: ReadOnly[Sequence[PlanNote]]
    usage: ReadOnly[UsageRecord]
    error: ReadOnly[Failure | None]
    """Why it could not be made."""
    changes: ReadOnly[Sequence[PlanChange]]
    """What had changed when it was to be applied, for one that drifted."""


Compiled = Callable[[Run, str], Plan]
"""Returns a workflow as a run was accepted with it: its own, or one that it may call, by name. Raises InvalidFile."""


class PlanRow(TypedDict):
    """A plan in the list."""

    plan_id: str
    workflow: str
    title: str
    """Of the workflow."""
    state: PlanState
    demo: bool
    environment: str
    """Its name; "" if the workspace had none."""
    made_by: str
    made_at: str
    expires_at: str
    sentence: str
    applied_run_id: str | None


class PlanPage(TypedDict):
    """A page of the list; `next`: pass it as `before` to get older plans, None at the end."""

    plans: list[PlanRow]
    next: str | None


class PlanTree(Struct, frozen=True):
    """The planning run of a workflow, and of each workflow that it calls, outer before inner."""

    runs: Sequence[tuple[str, Run]]
    """With the path of the call in front of each: "" for the first, `publish/` for one that `publish` called."""
    hashes: Sequence[str]
    """Of each run, as stored when it ended."""

    @property
    def root(self) -> Run:
        """The planning run of the workflow itself."""
        return self.runs[0][1]

    @property
    def hash(self) -> str:
        """The hash of the whole plan."""
        if len(self.hashes) == 1:
            return self.hashes[0]
        return hashlib.sha256("".join(self.hashes).encode()).hexdigest()

    def steps(self) -> Iterator[tuple[str, Run, StepRecord]]:
        """Yield every step with its path in the whole plan, and its run."""
        for prefix, run in self.runs:
            for step in run["steps"]:
                yield f"{prefix}{step['path']}", run, step


def writes_nothing(plan: PlanDocument) -> bool:
    """Return whether applying a plan would do nothing that a person could want."""
    return not (plan["writes"] or plan["may_happen"] or plan["notes"])


def tree_of(root: Run, log: Callable[[str], Run | None], stored_hash: Callable[[str], str]) -> PlanTree:
    """Return a plan with the workflows that it calls, as far as their logs are there."""
    runs, hashes = [("", root)], list[str]()
    for prefix, run in runs:  # it grows by the runs that each one called
        hashes.append(stored_hash(run["run_id"]))
        for step in run["steps"]:
            called = log(step["child_run_id"]) if "child_run_id" in step else None
            if called is not None:
                runs.append((f"{prefix}{step['path']}/", called))
    return PlanTree(runs, hashes)


class PlanFate(Struct, frozen=True):
    """What has become of a plan."""

    state: PlanState
    applied_run_id: str | None
    changes: Sequence[PlanChange]


def plan_document(tree: PlanTree, fate: PlanFate, blobs: Blobs, compiled: Compiled) -> PlanDocument:
    """Return a plan as people see it. Raises InvalidFile."""
    root = tree.root
    return {
        "plan_id": root["run_id"],
        "hash": tree.hash,
        "state": fate.state,
        "workflow": root["workflow"],
        "title": root["definition"]["workflow"].get("title") or root["workflow"],
        "demo": root["demo"],
        "made_by": root["started_by"],
        "made_at": root["queued_at"],
        "expires_at": timestamp(expires_at(root["queued_at"])),
        "applied_run_id": fate.applied_run_id,
        "environment": root.get("environment"),
        "accounts": root["accounts"],
        "inputs": root["inputs"],
        "writes": sorted(_writes(tree, blobs), key=_in_file_order(tree, compiled)),
        "kept": list(_kept(tree)),
        "may_happen": list(_possible(tree, compiled)),
        "notes": list(_notes(tree)),
        "usage": _usage(tree),
        "error": root["error"],
        "changes": fate.changes,
    }


def _writes(tree: PlanTree, blobs: Blobs) -> Iterator[PlannedWrite]:
    titles = _titles(tree)
    for path, run, step in tree.steps():
        planned = step.get("planned") or {}
        if planned.get("write") != "new":
            continue
        preview = planned.get("preview")
        arguments = marked(Values(blobs, run["run_id"]).planned(step["arguments"] or {}))
        yield {
            "path": path,
            "title": titles[path],
            "uses": step["uses"] or "",
            "connection": step["connection"],
            "account": planned.get("account", ""),
            "arguments": arguments,
            "unknown": planned.get("unknown", []),
            "may": planned.get("may"),
            "approval": planned.get("asks", False),
            "gaps": written_gaps(step["uses"] or "", arguments),
            "preview": None if preview is None else _view(**preview),
        }


def _in_file_order(tree: PlanTree, compiled: Compiled) -> Callable[[PlannedWrite], Any]:
    """Return the sort key that puts writes in the order of their items and steps, whatever ran in parallel."""
    ranks: dict[str, int] = {}
    for prefix, run in tree.runs:
        outer = in_workflow(prefix)
        for node in compiled(run, run["workflow"]).nodes():
            ranks.setdefault(f"{outer}{node.path}", len(ranks))

    def key(write: PlannedWrite) -> list[tuple[int, int]]:
        steps = list(_STEPS.finditer(write["path"]))
        return [(ranks.get(in_workflow(write["path"][: part.end()]), 0), int(part["item"] or -1)) for part in steps]

    return key


def _view(title: str, text: str, before: str | None, **_: Any) -> PreviewView:
    return {"title": title, "text": text, "before": before, "difference": difference(before, text)}


def _titles(tree: PlanTree) -> Mapping[str, str]:
    """Return the title of each step: of the item of a loop that it is made for, else its own, else its id."""
    own = {path: step["title"] for path, _, step in tree.steps()}
    return {path: own.get(path.rpartition(".")[0]) or own[path] or step["id"] for path, _, step in tree.steps()}


def _kept(tree: PlanTree) -> Iterator[KeptWrite]:
    titles = _titles(tree)
    for path, _, step in tree.steps():
        planned = step.get("planned") or {}
        if planned.get("write") == "kept":
            yield {
                "path": path,
                "title": titles[path],
                "uses": step["uses"] or "",
                "note": planned.get("note", ""),
                "receipt": planned.get("receipt"),
            }


def _possible(tree: PlanTree, compiled: Compiled) -> Iterator[PossibleWrite]:
    """Yield the writes that are made only after a failure, which are not planned."""
    for prefix, run in tree.runs:
        plan = compiled(run, run["workflow"])
        for node in plan.nodes():
            action = node.action
            if action is not None and node.path in plan.after_failures and node.effect is Effect.WRITES:
                yield {
                    "path": f"{prefix}{node.path}",
                    "uses": action.uses,
                    "because": "Only if a step before it fails.",
                }
        yield from _of_unplanned_calls(prefix, run, compiled)


def _of_unplanned_calls(prefix: str, run: Run, compiled: Compiled) -> Iterator[PossibleWrite]:
    for step in run["steps"]:
        planned = step.get("planned")
        if planned is None or step["uses"] != "workflow.run":
            continue
        for node in compiled(run, str((step["arguments"] or {}).get("workflow"))).nodes():
            if node.action is not None and node.effect is Effect.WRITES:
                because = planned.get("may") or planned.get("note", "")
                yield {"path": f"{prefix}{step['path']}/{node.path}", "uses": node.action.uses, "because": because}


def _notes(tree: PlanTree) -> Iterator[PlanNote]:
    for path, _, step in tree.steps():
        planned = step.get("planned") or {}
        note = planned.get("note") or ("" if step["uses"] else planned.get("may"))
        if note and planned.get("write") != "kept":
            yield {"path": path, "note": note}


def _usage(tree: PlanTree) -> UsageRecord:
    used = [run["usage"] for _, run in tree.runs]
    costs = [one["cost_usd"] for one in used]
    known = [cost for cost in costs if cost is not None]
    return {
        "input_tokens": sum(one["input_tokens"] for one in used),
        "output_tokens": sum(one["output_tokens"] for one in used),
        "cost_usd": None if len(known) < len(costs) else round(sum(known), 6),
    }


def is_whole(run: Run) -> bool:
    """Return whether a planning run came to its end, so that the plan shows every write."""
    return run["status"] == RunStatus.SUCCEEDED
