"""The `run_bundles` area: write a run as one file without secrets, and replay such a file without any account."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from clients import VERSION
from engine.base.errors import InvalidFile, InvalidInput
from engine.base.names import workflow_id_of
from engine.base.run_file import PLACE, FileContent, owner_of
from engine.base.statuses import AccountMode
from engine.compiler.definition.plan import Plan
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.people.operation import operation
from engine.record.definitions import missing_workflows
from engine.record.hidden_callees import shown_run
from engine.record.previous_run import played_run
from engine.record.run_log import RunLogs
from engine.record.types.kind import options_of
from engine.record.types.run import Run, RunOptions
from engine.record.values import Values
from engine.runs.exporting.redaction import TextRedaction, redacted, without_people
from engine.runs.exporting.run_bundle import packed, unpacked
from engine.runs.run_reader import RunReader
from engine.runs.starting.rerun import outside_inputs_of, source
from engine.runs.starting.run_request import RunRequest
from engine.store.acceptances import RunEntry
from engine.workspace.config import LoadedConfig

if TYPE_CHECKING:
    from engine.runner.worker.worker import Worker
    from engine.runs.starting.acceptor import Acceptor

_OF_RUN = ("inputs", "outputs", "trigger", "stopped")
_OF_STEP = ("key", "arguments", "output", "request", "items", "effect", "stops", "note", "planned")
_SAID = ("sentence", "error", "on_failure_error")


@dataclass(frozen=True)
class Replayed:
    """A replay beside the run that the file has."""

    run_id: str
    of: str
    """The id of the run in the file."""
    is_same: bool
    """Whether it has ended in the same way, at the same step and with the same words."""
    expected: str
    """How the run in the file has ended."""
    found: str
    """How the replay has ended."""


class RunBundles:
    """Runs as files, and replays of such files; every change writes an audit line."""

    def __init__(
        self,
        runs: RunReader,
        logs: RunLogs,
        loaded: Callable[[], LoadedConfig],
        worker: Worker,
        acceptor: Acceptor,
        audit: Audit,
    ) -> None:
        self._runs, self._logs, self._loaded, self._audit = runs, logs, loaded, audit
        self._worker, self._acceptor = worker, acceptor

    @operation("runs.export", "run", "export runs", "Export a run")
    def export(self, p: Principal, run_id: str, *, without_texts: bool = False) -> bytes:
        """Return a run that has ended as one file, without secrets, people and files of runs.

        It lacks the called workflows that `p` may not see, and then cannot be replayed. `without_texts`: also without
        the texts of mails, documents and answers. Raises UnknownName, InvalidFile,
        InvalidInput if the run is at work, is a plan or too large.
        """
        run = source(shown_run(self._runs.get(p, run_id), p.sees))
        whole = _whole(run, Values(self._logs.blobs, run_id))
        clean = redacted(without_people(whole), self._loaded())
        if without_texts:
            clean = _without_texts(clean)
        versions = {"ai-orchestra": VERSION, "python": platform.python_version()}
        content = packed(clean, versions, "redacted" if without_texts else "kept")
        self._audit.record(p, "runs.export", run["workflow"], {"run_id": run_id, "without_texts": without_texts})
        return content

    @operation("runs.import", "run", "import runs", "Import and replay a run")
    def imported(self, p: Principal, content: bytes) -> str:
        """Replay the run in a file and return the id of the replay once it is on disk.

        Its expressions are evaluated; what services, models, people and called workflows answered is played from the
        file. So it needs no account, writes nothing and sends nothing. Raises InvalidFile, InvalidInput, TooManyRuns.
        """
        run: Run = unpacked(content).run
        self._acceptor.admission.require()
        services = {name: one["service"] for name, one in run["accounts"].items()}
        plan = self._plan(run, {**self._acceptor.services(), **services})
        run_id, files = self._acceptor.new_files()
        played: Any = _moved({name: value for name, value in run.items() if name != "definition"}, run_id)
        stored = files.kept(FileContent(json.dumps(played).encode(), "run.json", "application/json"))
        options: RunOptions = {"plays": stored}
        modes = dict.fromkeys(plan.connections, AccountMode.DEMO)
        outside = outside_inputs_of(run)
        wanted = RunRequest(
            _moved(run["inputs"], run_id), options, modes, AccountMode.DEMO, outside_inputs=outside, run_id=run_id
        )

        def prepared() -> RunEntry:
            current = replace(plan, last_rename=self._worker.state.renames.last())
            return self._acceptor.prepare(p, current, wanted, "runs.import", others=services)

        return self._acceptor.begin_once(None, prepared)

    def replayed(self, p: Principal, run_id: str) -> Replayed:
        """Return how a replay that has ended compares with the run in its file. Raises UnknownName, InvalidInput."""
        run = self._runs.get(p, run_id)
        stored = options_of(run).get("plays")
        if stored is None:
            raise InvalidInput(f"Run {run_id} does not replay a file.", remedy="`orchestra runs import FILE` does.")
        played = played_run(stored, self._logs.blobs, run_id)
        expected, found = _ending(played), _ending(run)
        return Replayed(run_id, str(played["run_id"]), expected == found, expected, found)

    def _plan(self, run: Run, connections: dict[str, str]) -> Plan:
        """Return the plan of the definition in a file; its hash is made from the text, whatever the file says."""
        definition = run["definition"]
        text = json.dumps([run["workflow"], definition], sort_keys=True).encode()
        try:
            workflow_id_of(run)
            return self._worker.plans.plan(
                {
                    "workflow": run["workflow"],
                    "workflow_hash": f"imported {hashlib.sha256(text).hexdigest()}",
                    "definition": definition,
                    "connections": connections,
                }
            )
        except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
            for name in missing_workflows(definition) if isinstance(error, KeyError) else ():
                raise InvalidFile(
                    f"The file lacks the workflow {name!r}, which the run calls, so it cannot be replayed.",
                    remedy="Let somebody export the run who may see that workflow.",
                ) from error
            said = "The definition in the file is not one of a workflow, or names what the file does not have."
            raise InvalidFile(said, remedy="Export the run again.") from error


def _whole(run: Run, values: Values) -> Any:
    """Return the document of a run with its large values in it and, of its accounts, only service and mode."""
    loaded = {name: value if name == "definition" else values.loaded(value) for name, value in run.items()}
    accounts = {name: {"service": one["service"], "mode": one["mode"]} for name, one in run["accounts"].items()}
    return {**loaded, "accounts": accounts}


def _without_texts(run: Any) -> Any:
    """Return a document with numbers for the texts that came from outside, or may quote them."""
    texts = TextRedaction(run["definition"])
    for name in _OF_RUN:
        if run.get(name):
            run[name] = texts.replaced(run[name])
    for step in run["steps"]:
        step.update({name: texts.replaced(step[name]) for name in _OF_STEP if step.get(name) and name != "effect"})
        step.update({"effect": None, "title": texts.replaced(step["title"])})
    rest = {name: value for name, value in run.items() if name != "definition"}
    return {**texts.without(rest), "definition": run["definition"]}


def _moved(value: Any, run_id: str) -> Any:
    """Return a value whose files belong to the replay, which has no files: so it cannot read another run's."""
    if isinstance(value, dict):
        place = value.get(PLACE)
        named = owner_of(place) if isinstance(place, str) else None
        moved = {name: _moved(inner, run_id) for name, inner in value.items()}
        return {**moved, PLACE: f"{run_id}.files/{named[1]}"} if named else moved
    return [_moved(one, run_id) for one in value] if isinstance(value, list) else value


def _ending(run: Run) -> str:
    """Return how a run has ended: its status, the step that failed, and the words."""
    error = run["error"]
    if error is None:
        return str(run["status"])
    return f"{run['status']} at {error['step'] or 'the run'}: {error['message']}"
