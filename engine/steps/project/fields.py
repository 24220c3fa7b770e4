"""What the steps on projects share: where they work, and what their errors are called."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from clients.errors import InvalidRequest, NotFound, Unavailable
from clients.software.service import PROJECT
from engine.base.errors import InvalidInput, OrchestraError, StaleEdit, StorageError, UnknownName
from engine.plugins.step import Call, Effect, Fields, JsonValue, Output, Receipt, Repeat, StepType, destination, outside
from engine.projects.projects import Projects
from engine.projects.work import MadeCommit, RunBranch, work_on


class WorkFields(Fields):
    """The project, and the branch on which this run works: `{{ run.id }}`, so that runs do not interfere."""

    project: str = destination("Project", min_length=1, max_length=64)
    branch: str = destination("Branch", min_length=1, max_length=80)


class MadeOutput(Output):
    """The last commit of the branch, and the files that this write changed. If it changed none, `problem` says why, so
    that an agent can correct it in the next turn; otherwise it is "".
    """

    commit: str
    paths: list[str] = outside("Files that were changed")
    problem: str = outside("Why nothing was changed")


@contextmanager
def worked(call: Call) -> Iterator[RunBranch]:
    """Open the branch of a call. What goes wrong is raised as the error of a service."""
    at = call.intended_at or call.started_at
    assert at is not None
    it: WorkFields = call.fields
    with project_errors(), work_on(call.client.folder, it.project, it.branch, "", at) as work:
        yield work


def is_there(call: Call) -> bool:
    """Return whether the project exists. Raises InvalidRequest for a name that cannot be one."""
    with project_errors():
        return Projects.exists(call.client.folder, call.fields.project)


@contextmanager
def project_errors() -> Iterator[None]:
    """Turn errors of projects into errors of services."""
    try:
        yield
    except UnknownName as error:
        raise NotFound(error.message, service=PROJECT.name, remedy=error.remedy) from error
    except InvalidInput as error:
        raise InvalidRequest(error.message, service=PROJECT.name, remedy=error.remedy) from error
    except (StaleEdit, StorageError, OrchestraError) as error:
        raise Unavailable(error.message, service=PROJECT.name, remedy=error.remedy, outcome="not_done") from error


def shown(made: MadeCommit, problem: str = "") -> JsonValue:
    """Return {commit, paths, problem}."""
    return {"commit": made.commit, "paths": [*made.paths], "problem": problem}


def made_by(call: Call, write: Callable[[RunBranch], MadeCommit]) -> JsonValue:
    """Make a write, and return {commit, paths, problem}: what does not fit is a result."""
    with worked(call) as work:
        try:
            return shown(write(work))
        except InvalidInput as error:
            return shown(MadeCommit(work.head, ()), f"{error.message} {error.remedy}".strip())


class ProjectStep(StepType):
    """A step on a project."""

    service = PROJECT.name
    connection_optional = True
    timeout_seconds = 60.0


class ProjectWrite(ProjectStep):
    """A commit on the branch of the run; it bears the identity of the write, so that it is made once."""

    effect = Effect.WRITES
    repeat = Repeat.FINDABLE
    done = "committed"
    output = MadeOutput
    lasts = "The commit stays in the history of the project; later ones can change its files again."

    def find(self, call: Call) -> JsonValue | None:
        """Return the output of this write, if its commit is there."""
        with worked(call) as work:
            made = work.made_by(call.marker)
            return None if made is None else shown(made)

    def receipt(self, output: JsonValue) -> Receipt:
        """Return the commit."""
        return Receipt(id=str(output.get("commit", "")))
