"""The steps at both ends of the work on a project: make it, and let `main` have what the run made."""

from __future__ import annotations

from typing import ClassVar

from clients.errors import InvalidRequest
from clients.software.service import PROJECT
from engine.base.errors import InUse
from engine.plugins.step import Call, Effect, JsonValue, Output, Preview, Receipt, Repeat, content
from engine.projects.projects import Projects
from engine.steps.project.fields import ProjectStep, WorkFields, project_errors, worked


class StartFields(WorkFields):
    """The project, and its title if it is new."""

    title: str = content("Title of a new project", "", max_length=200)


class StateOutput(Output):
    """The commit, and the number of its files."""

    commit: str
    files: int


class _Safe(ProjectStep):
    effect = Effect.WRITES
    repeat = Repeat.SAFE
    output: ClassVar[type[Output] | None] = StateOutput

    def receipt(self, output: JsonValue) -> Receipt:
        """Return the commit."""
        return Receipt(id=str(output.get("commit", "")))


class StartProject(_Safe):
    """Create a project, unless it exists, and start a branch for this run."""

    name = "project.start"
    title = "Start work on a project"
    done = "started"
    fields = StartFields
    lasts = "The project can be deleted on the page Projects."

    def call(self, call: Call) -> JsonValue:
        """Return {commit, files}."""
        it: StartFields = call.fields
        with project_errors():
            made = Projects.in_folder(call.client.folder)
            try:
                made.create(it.project, it.title.strip() or it.project)
            except InUse:
                call.notes.append(f"The project {it.project} was there already.")
        with worked(call) as work:
            if work.repository.branch(it.branch) is None:
                work.repository.advance(None, work.head, it.branch)
            return {"commit": work.head, "files": len(work.repository.files(work.head))}

    def preview(self, call: Call) -> Preview:
        """Return the title of the project."""
        it: StartFields = call.fields
        return Preview(it.title or it.project, f"project: {it.project}\nbranch: {it.branch}", object=it.project)


class FinishOutput(StateOutput):
    """`main` as it is now. `is_finished` is true if it has the tested work of this run."""

    is_finished: bool


class Finish(_Safe):
    """Set `main` to the last commit of this run whose tests passed. Without one, `main` stays unchanged."""

    name = "project.finish"
    title = "Finish work on a project"
    done = "finished"
    fields = WorkFields
    output: ClassVar[type[Output] | None] = FinishOutput
    lasts = "Earlier commits stay in the history of the project."

    def call(self, call: Call) -> JsonValue:
        """Return {commit, files, is_finished}. Raises InvalidRequest if `main` was changed since the run began."""
        with worked(call) as work:
            repository, main = work.repository, work.repository.head
            green = work.last_green()
            if green is not None and green != main and not repository.is_before(green, main):
                if not (repository.is_before(main, green) and repository.advance(main, green)):
                    raise _parted(call, work.head)
                main = green
            is_finished = green is not None and work.is_ours(green) and repository.is_before(green, main)
            return {"commit": main, "files": len(repository.files(main)), "is_finished": is_finished}

    def preview(self, call: Call) -> Preview:
        """Return the branch that `main` becomes."""
        it: WorkFields = call.fields
        return Preview(it.project, f"main becomes what is tested of {it.branch}", object=it.project)


def _parted(call: Call, head: str) -> InvalidRequest:
    return InvalidRequest(
        f"Somebody has changed `main` of {call.fields.project} since this run began; its work is commit {head[:8]}, on "
        f"the branch {call.fields.branch}.",
        service=PROJECT.name,
        remedy="Merge the branch with Git, or start again from what is there now.",
    )
