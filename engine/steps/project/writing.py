"""The steps that change files of a project: whole files, edits as text, and files that are protected from then on."""

from __future__ import annotations

from engine.plugins.step import Call, Fields, JsonValue, Preview, content, option
from engine.steps.project.fields import ProjectWrite, WorkFields, is_there, made_by, shown, worked

_LONGEST = 1_000_000


class WriteFields(WorkFields):
    """The file. `replaces`: it is meant to lose most of what it has."""

    path: str = content("Path, such as src/main.py", min_length=1, max_length=200)
    text: str = content("Text", max_length=_LONGEST, widget="code")
    replaces: bool = option("Replace the whole file, whatever is lost", default=False)


class EditFields(WorkFields):
    """The edits: for each the path of a file, then a line `<<<<<<< SEARCH`, the old lines, `=======`, the new lines and
    `>>>>>>> REPLACE`. The old lines are as they are in the file, and there once; without any, the file is new.
    """

    edits: str = content("Edits", min_length=1, max_length=_LONGEST, widget="text")


class ProtectedFile(Fields):
    """A file that later steps cannot change."""

    path: str = content("Path", min_length=1, max_length=200)
    text: str = content("Text", max_length=_LONGEST)


class ProtectFields(WorkFields):
    """The files, such as the acceptance tests of a plan that a person has approved."""

    files: list[ProtectedFile] = content("Files", max_length=50)


class Write(ProjectWrite):
    """Write a whole file. One that is there must keep 70 of 100 lines, and be short; otherwise edit it."""

    name = "project.write"
    title = "Write a file of a project"
    fields = WriteFields

    def call(self, call: Call) -> JsonValue:
        """Return {commit, paths, problem}, such as for a protected file, or one that would lose too much."""
        it: WriteFields = call.fields
        return made_by(call, lambda work: work.write(it.path, it.text, call.marker, replaces=it.replaces))

    def preview(self, call: Call) -> Preview:
        """Return the text, and the one that is there."""
        it: WriteFields = call.fields
        before = None
        if is_there(call):
            with worked(call) as work:
                before = work.texts().get(it.path)
        return Preview(it.path, it.text, before, f"{it.project}/{it.path}")


class Edit(ProjectWrite):
    """Replace lines of files. All edits are applied, or none; one that does not fit shows the nearest lines."""

    name = "project.edit"
    title = "Edit files of a project"
    fields = EditFields

    def call(self, call: Call) -> JsonValue:
        """Return {commit, paths, problem}, such as for lines that are not there; it shows the nearest ones."""
        it: EditFields = call.fields
        return made_by(call, lambda work: work.edit(it.edits, call.marker))


class RemoveFields(WorkFields):
    """The file."""

    path: str = content("Path, such as src/main.py", min_length=1, max_length=200)


class Remove(ProjectWrite):
    """Delete a file. A protected one stays, and earlier commits keep what is deleted."""

    name = "project.remove"
    title = "Delete a file of a project"
    fields = RemoveFields

    def call(self, call: Call) -> JsonValue:
        """Return {commit, paths, problem}, such as for a protected file, or one that is not there."""
        it: RemoveFields = call.fields
        return made_by(call, lambda work: work.remove(it.path, call.marker))


class Protect(ProjectWrite):
    """Write files that no later step changes, such as acceptance tests."""

    name = "project.protect"
    title = "Write protected files of a project"
    fields = ProtectFields

    def call(self, call: Call) -> JsonValue:
        """Return {commit, paths, problem}. Raises InvalidRequest for a path that cannot be one."""
        it: ProtectFields = call.fields
        with worked(call) as work:
            return shown(work.protect({one.path: one.text for one in it.files}, call.marker))
