"""One run from acceptance (or where it stood) to its end, a wait or an interruption."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from engine.compiler.plan import Plan
from engine.connections.accounts import Accounts
from engine.errors import InvalidFile, StorageError
from engine.expressions.expressions import compact_json
from engine.names import milliseconds_of, timestamp
from engine.runner.actions import Actions, RunFacts
from engine.runner.calls import Calls
from engine.runner.children import ChildHost, Children
from engine.runner.failure import StepFailed, failure
from engine.runner.fault_points import reached
from engine.runner.log_writer import LogWriter
from engine.runner.loose_ends import tie
from engine.runner.parking import Parking
from engine.runner.pauses import Pauses, Waiting
from engine.runner.plan_cache import PlanCache
from engine.runner.questions import Questions
from engine.runner.recording import ENGINE, Recording
from engine.runner.replay import Replay
from engine.runner.runner import Runner
from engine.runner.selection import Selection
from engine.runner.siblings import RunStopped
from engine.runner.values import Values
from engine.runs.document import document
from engine.runs.earlier import EarlierRun
from engine.runs.run_log import RunLogs
from engine.runs.summary import sentence
from engine.store.journal import Journal, JournalBroken

Ending = Literal["cancelled", "interrupted", "stopped"]
"""Why a run is ended from outside: by a person, by Ctrl-C, or with the process (it is then adopted)."""

_OPEN_WRITE = "SELECT 1 FROM effects WHERE identity = ? AND state IN ('intent', 'unknown')"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Equipment:
    """What every run of a process shares."""

    journal: Journal
    calls: Calls
    accounts: Accounts
    logs: RunLogs
    log_writer: LogWriter
    clock: Callable[[], datetime]
    plans: PlanCache
    host: ChildHost


class Execution:
    """A run that this process works on; lives on the engine's loop."""

    def __init__(
        self, equipment: Equipment, acceptance: Mapping[str, Any], events: Sequence[dict[str, Any]], resumed_by: str
    ) -> None:
        self.run_id: str = acceptance["run_id"]
        self._resumed_by = resumed_by
        self._equipment, self._acceptance = equipment, acceptance
        self._events = list(events)
        values = Values(equipment.logs.folder, self.run_id)
        self._recording = Recording(self.run_id, equipment.journal, values, equipment.clock, self._events)
        self._task: asyncio.Task[Any] | None = None
        self._ending: Ending | None = None
        self._parking = Parking(equipment.clock)
        self._on_failure_error: dict[str, Any] | None = None

    @property
    def caller_run_id(self) -> str | None:
        """The run that called this one."""
        caller: str | None = self._acceptance["parent_run_id"]
        return caller

    @property
    def may_wake(self) -> list[str]:
        """The runs that may be due once the work on this one is over: itself, if it is put away, and its caller."""
        itself = [self.run_id] if self._parking.is_parked else []
        return itself if self.caller_run_id is None else [*itself, self.caller_run_id]

    @property
    def is_ending(self) -> bool:
        """Tell whether somebody has asked the run to stop."""
        return self._ending is not None

    def end(self, how: Ending) -> None:
        """Stop the run; a write in flight is waited for, and its receipt kept."""
        if self._ending is not None:
            return  # a second cancellation would break off the wait for a write in flight
        self._ending = how
        if self._task is not None:
            self._task.cancel()

    async def run(self) -> None:
        """Work until the run ends, waits or is interrupted, and write that down. Raises StorageError, JournalBroken."""
        if self._ended_before():
            await self._close()
            return
        self._begin()  # on disk with the first thing that somebody waits for
        reached("accepted")
        self._task = self._parking.walk = asyncio.ensure_future(self._walk())
        if self._ending is not None:
            self._task.cancel()
        status, details = await self._outcome(self._task)
        if status == "stopped":
            return
        if status == "waiting":
            await self._park()
        elif status == "interrupted":
            await self._interrupt()
        else:
            if status == "cancelled":
                await self._children().end_those_of_nobody()
            self._recording.emit("run_ended", status=status, **details)
            reached("before end")
            await self._recording.committed()
            await self._close()
            reached("after end")

    def _ended_before(self) -> bool:
        return bool(self._events) and self._events[-1]["type"] == "run_ended"

    def _begin(self) -> None:
        if self._recording.started_at is None:
            self._recording.emit("run_started")
        else:
            self._recording.emit("run_resumed", by=self._resumed_by)
        started_at = self._recording.started_at
        statement = "UPDATE runs SET status = 'running', started_at = ?, due_at = NULL, lane = NULL WHERE run_id = ?"
        self._change(statement, (started_at, self.run_id))

    async def _walk(self) -> Any:
        plan = self._equipment.plans.plan(self._acceptance)
        self._begin_log(plan)
        facts = RunFacts(
            run_id=self.run_id,
            origin_run_id=self._acceptance["origin_run_id"] or self.run_id,
            workflow=self._acceptance["workflow"],
            modes=self._acceptance["modes"],
            prompts=self._acceptance["definition"]["prompts"],
            default_mode=self._acceptance["default_mode"],
            caller=self._acceptance.get("caller"),
            options=self._acceptance.get("options", {}),
            renamed=self._renamed(),
            item=_item(self._acceptance.get("trigger")),
        )
        equipment = self._equipment
        pauses = self._pauses()
        earlier = await self._earlier(facts.options.get("replay"))
        actions = Actions(
            facts,
            self._recording,
            equipment.accounts,
            equipment.calls,
            pauses,
            self._wait,
            None if earlier is None else Replay(earlier, facts.prompts),
        )
        runner = Runner(plan, self._recording, actions.perform, self._parking, await self._selection())
        run = {"id": self.run_id, "started_at": self._recording.started_at}
        inputs = self._recording.values.live(self._acceptance["inputs"])
        try:
            if self._recording.failing is not None:
                raise StepFailed(self._recording.failing)
            return await runner.run(inputs, run)
        except StepFailed as failed:
            if plan.on_failure is not None:
                await self._after_failure(runner, inputs, run, failed)
            raise

    def _renamed(self) -> Callable[[str], str] | None:
        """Return what tells today's name of a write, None where the run was open all the time: so were the names.

        What was sent under the old name, and is not answered yet, is looked for under that. Raises InvalidFile.
        """
        begun = (event for event in self._events if event["type"] == "run_resumed")
        if self._resumed_by == ENGINE and all(event["by"] == ENGINE for event in begun):
            return None
        renames, accepted_at = self._equipment.logs.renames(), self._acceptance["queued_at"]

        def renamed(identity: str) -> str:
            is_open = bool(self._equipment.journal.read(_OPEN_WRITE, (identity,)))
            return identity if is_open else renames.applied(identity, accepted_at)

        return renamed

    async def _selection(self) -> Selection | None:
        options = self._acceptance.get("options", {})
        if "only" not in options and "pins" not in options:
            return None
        return Selection(options, await self._earlier(options.get("from_run")))

    async def _earlier(self, run_id: str | None) -> EarlierRun | None:
        """Return the log of a run that this one takes answers from. Raises InvalidFile."""
        if run_id is None:
            return None
        run = await self._equipment.log_writer.read(run_id)
        if run is None:
            raise InvalidFile(f"The log of run {run_id} is gone.", remedy="Start a run that needs nothing of it.")
        return EarlierRun(run, self._equipment.logs.folder)

    async def _after_failure(
        self, runner: Runner, inputs: Mapping[str, Any], run: Mapping[str, Any], failed: StepFailed
    ) -> None:
        """Run the steps that the workflow has for its failure; the run has failed whatever becomes of them."""
        if self._recording.failing is None:
            self._recording.emit("run_failing", error=failed.error)
        try:
            await runner.after_failure(inputs, run, failed.error)
        except StepFailed as second:
            self._on_failure_error = second.error
        except RunStopped:
            return

    def _pauses(self) -> Pauses:
        equipment = self._equipment
        questions = Questions(equipment.journal, self.run_id, self._acceptance["workflow"], equipment.clock)
        return Pauses(questions, self._children(), equipment.clock)

    def _children(self) -> Children:
        equipment = self._equipment
        return Children(self._acceptance, equipment.journal, equipment.host, equipment.logs, equipment.clock)

    async def _outcome(self, task: asyncio.Task[Any]) -> tuple[str, dict[str, Any]]:
        try:
            outputs = await task
        except StepFailed as failed:
            more = {"on_failure_error": self._on_failure_error} if self._on_failure_error else {}
            return "failed", {"error": failed.error, **more}
        except RunStopped as stopped:
            outputs = self._recording.values.whole(stopped.outputs)
            return "succeeded", {"outputs": outputs, "stopped": {"message": stopped.message}}
        except asyncio.CancelledError:
            if self._ending is None and self._parking.is_parked:
                return "waiting", {}
            return self._ending or "stopped", {}
        except InvalidFile as error:
            return "failed", {"error": failure(error, workflow=self._acceptance["workflow"])}
        except (JournalBroken, StorageError):
            raise
        except Exception as error:  # noqa: BLE001 - a run must end with a word, whatever broke
            _log.exception("run %s broke down", self.run_id)
            return "failed", {"error": failure(error, workflow=self._acceptance["workflow"])}
        return "succeeded", {"outputs": self._recording.values.whole(outputs)}

    # --- waiting

    async def _wait(self, pause: Waiting, limit: datetime | None, outer_limit: datetime | None) -> None:
        try:
            await self._parking.wait(pause, limit, outer_limit)
        except asyncio.CancelledError:
            if not self._parking.is_parked:
                await pause.given_up(self._ending or "timeout")
            raise

    async def _park(self) -> None:
        due_at = self._parking.due_at()
        self._recording.emit("run_waiting", due_at=None if due_at is None else timestamp(due_at))

        def park(cursor: sqlite3.Cursor) -> None:
            # Looked at once more inside the transaction: what ends a wait after this one wakes a waiting run itself.
            due_at = self._parking.due_at()
            values = (None if due_at is None else timestamp(due_at), self.run_id)
            cursor.execute("UPDATE runs SET status = 'waiting', due_at = ? WHERE run_id = ?", values)

        self._equipment.journal.change(park)
        await self._put_away()

    async def _interrupt(self) -> None:
        self._recording.emit("run_interrupted")
        self._change("UPDATE runs SET status = 'interrupted' WHERE run_id = ?", (self.run_id,))
        try:
            await self._put_away()
        except StorageError:  # its log is older then; its events tell all the same
            self._change("UPDATE runs SET owner = NULL WHERE run_id = ?", (self.run_id,))
            await self._recording.committed()
            raise

    async def _put_away(self) -> None:
        """Write down how far the run has come; what it has done so far is in the list of runs, too."""
        await self._recording.committed()
        run = await self._log(self._stored())
        values = (run["sentence"], compact_json(run["counts"]), self.run_id)
        # Others may take up an interrupted run from now on; before, this log could have come to lie over theirs.
        statement = (
            "UPDATE runs SET sentence = ?, counts = ?, owner = CASE status WHEN 'interrupted' THEN NULL ELSE owner END"
            " WHERE run_id = ? AND status IN ('waiting', 'interrupted')"
        )
        self._change(statement, values)
        await self._recording.committed()

    # --- the end

    async def _close(self) -> None:
        """Write the log, then drop the events: in this order, so that a crash between loses neither."""
        few = self._recording.few
        run = await self._log(self._stored() if few is None else few)
        values = (
            run["status"],
            run["ended_at"],
            run["duration_seconds"],
            run["sentence"],
            compact_json(run["counts"]),
            milliseconds_of(self._equipment.clock()),
            self.run_id,
        )
        statement = (
            "UPDATE runs SET status = ?, ended_at = ?, duration_seconds = ?, sentence = ?, counts = ?,"
            " end_number = max(?, (SELECT coalesce(max(end_number), 0) + 1 FROM runs WHERE end_number IS NOT NULL)),"
            " owner = NULL, due_at = NULL, acceptance = NULL WHERE run_id = ?"
        )

        def finish(cursor: sqlite3.Cursor) -> None:
            cursor.execute(statement, values)
            cursor.execute("DELETE FROM events WHERE run_id = ?", (self.run_id,))
            tie(cursor, self.run_id, self._acceptance["parent_run_id"], run["ended_at"])

        await self._equipment.journal.change(finish)

    def _log(self, events: Iterable[Mapping[str, Any]]) -> asyncio.Future[dict[str, Any]]:
        """Write the log after these events and return the document; it is made in a thread."""
        return self._equipment.log_writer.write(self.run_id, lambda: self._document(events))

    def _log_so_far(self) -> asyncio.Future[dict[str, Any]]:
        return self._log(self._stored())

    def _stored(self) -> Iterable[Mapping[str, Any]]:
        """Give the events that are on disk; they are parsed as they are taken."""
        rows = self._equipment.journal.read("SELECT event FROM events WHERE run_id = ? ORDER BY number", (self.run_id,))
        return (json.loads(text) for (text,) in rows)

    def _begin_log(self, plan: Plan) -> None:
        """Write the first log without waiting for it: the journal holds the truth.

        Where services are called it is asked for now, so that it tells of the run should the state file be lost after
        a write. A run that calls none has time: one that ends at once is written once, not twice.
        """
        if plan.calls_services:
            few = self._recording.few
            self._log(self._stored() if few is None else list(few))
        else:
            self._equipment.log_writer.write_soon(self.run_id, self._log_so_far)

    def _document(self, events: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        run = document(self._acceptance, events)
        run["sentence"] = sentence(run)
        return run

    def _change(self, statement: str, values: tuple[Any, ...]) -> None:
        """Change the run's row with what is committed next."""
        self._equipment.journal.note(lambda cursor: cursor.execute(statement, values), self.run_id)


def _item(trigger: Mapping[str, Any] | None) -> tuple[str, ...] | None:
    """Return what a run of a trigger was started for; the same thing in the same account is the same for ever."""
    return None if trigger is None else tuple(str(trigger[name]) for name in ("id", "source", "account", "item"))
