"""The steps that change files of a project: whole files, edits as text, and files that are protected from then on."""

from __future__ import annotations

from engine.plugins.step import Call, Fields, JsonValue, Preview, content, option
from engine.steps.project.fields import ProjectWrite, WorkFields, is_there, made_by, shown, worked

_LONGEST = 1_000_000


class WriteFields(WorkFields):
    """The file. `replaces`: most of its content may be lost."""

    path: str = content("Path, such as src/main.py", min_length=1, max_length=200)
    text: str = content("Text", max_length=_LONGEST, widget="code")
    replaces: bool = option("Replace the whole file, even if most of it is lost", default=False)


class EditFields(WorkFields):
    """Edits: for each, the path of a file, then a line `<<<<<<< SEARCH`, the old lines, `=======`, the new lines and
    `>>>>>>> REPLACE`. The old lines must occur in the file exactly once; without old lines, the file is new.
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
    """Write a whole file. An existing file must be short and keep 70 % of its lines; otherwise edit it."""

    name = "project.write"
    title = "Write a file in a project"
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
    """Replace lines in files. All edits are applied or none. If one does not match, the nearest lines are shown."""

    name = "project.edit"
    title = "Edit files in a project"
    fields = EditFields

    def call(self, call: Call) -> JsonValue:
        """Return {commit, paths, problem}, such as for lines that are not there; it shows the nearest ones."""
        it: EditFields = call.fields
        return made_by(call, lambda work: work.edit(it.edits, call.marker))


class RemoveFields(WorkFields):
    """The file."""

    path: str = content("Path, such as src/main.py", min_length=1, max_length=200)


class Remove(ProjectWrite):
    """Delete a file, unless it is protected. Earlier commits keep it."""

    name = "project.remove"
    title = "Delete a file from a project"
    fields = RemoveFields

    def call(self, call: Call) -> JsonValue:
        """Return {commit, paths, problem}, such as for a protected file, or one that is not there."""
        it: RemoveFields = call.fields
        return made_by(call, lambda work: work.remove(it.path, call.marker))


class Protect(ProjectWrite):
    """Write files that no later step can change, such as acceptance tests."""

    name = "project.protect"
    title = "Write protected files in a project"
    fields = ProtectFields

    def call(self, call: Call) -> JsonValue:
        """Return {commit, paths, problem}. Raises InvalidRequest for a path that cannot be one."""
        it: ProtectFields = call.fields
        with worked(call) as work:
            return shown(work.protect({one.path: one.text for one in it.files}, call.marker))
