"""The steps that read a project: its files and their texts."""

from __future__ import annotations

from clients.wording import counted, listed
from engine.plugins.step import Call, Effect, JsonValue, Output, content, option, outside
from engine.projects.paths import PROTECTED
from engine.projects.records import FileInfo
from engine.projects.work import RunBranch
from engine.steps.project.fields import ProjectStep, WorkFields, is_there, worked

_MOST_CHARACTERS = 200_000


class ReadFields(WorkFields):
    """Which files to read; without `paths` and `texts_up_to`, the files are only listed."""

    paths: list[str] = content("Files to read", [], max_length=20)
    limit: int = option("Maximum characters of a text", 20_000, ge=1, le=_MOST_CHARACTERS)
    texts_up_to: int = option(
        "Also read other files, tests first, up to this many characters in total",
        0,
        ge=0,
        le=_MOST_CHARACTERS,
    )


class ListedFile(Output):
    """A file; a protected one cannot be changed by steps."""

    path: str = outside("Path")
    size_bytes: int
    is_protected: bool


class FileText(Output):
    """The text of a file; null if there is no such file, or it is not text. `is_whole`: nothing was left out."""

    path: str = outside("Path")
    text: str | None = outside("Text")
    is_whole: bool


class ReadOutput(Output):
    """The last commit of the branch, its files, and the requested texts."""

    commit: str
    files: list[ListedFile]
    texts: list[FileText]


class Read(ProjectStep):
    """List the files of a project as this run left it, and read their texts. A project that does not exist has none."""

    name = "project.read"
    title = "Read a project"
    effect = Effect.READS
    fields = ReadFields
    output = ReadOutput

    def call(self, call: Call) -> JsonValue:
        """Return {commit, files, texts}."""
        it: ReadFields = call.fields
        if not is_there(call):
            return {"commit": "", "files": [], "texts": [_text(path, None, it.limit) for path in it.paths]}
        with worked(call) as work:
            files = work.repository.files(work.head)
            texts = _texts(work, it, sorted(files, key=lambda one: not one.is_protected))
            if partly := [one["path"] for one in texts if one["text"] is not None and not one["is_whole"]]:
                call.notes.append(f"{counted(len(partly), 'text')} cut at {it.limit:,} characters: {listed(partly)}.")
            if absent := [one["path"] for one in texts if one["text"] is None]:
                call.notes.append(f"Not there, or not text: {listed(absent)}.")
            return {
                "commit": work.head,
                "files": [{name: getattr(one, name) for name in ListedFile.model_fields} for one in files],
                "texts": texts,
            }


def _texts(work: RunBranch, it: ReadFields, files: list[FileInfo]) -> list[dict[str, JsonValue]]:
    known = work.texts() if it.paths or it.texts_up_to else {}
    found = [_text(path, known.get(path), it.limit) for path in it.paths]
    left = it.texts_up_to - sum(len(known.get(path, "")[: it.limit]) for path in it.paths)
    for one in files:
        text = known.get(one.path)
        if text is None or one.path in it.paths or one.path == PROTECTED or min(len(text), it.limit) > left:
            continue
        found.append(_text(one.path, text, it.limit))
        left -= min(len(text), it.limit)
    return found


def _text(path: str, text: str | None, limit: int) -> dict[str, JsonValue]:
    if text is None:
        return {"path": path, "text": None, "is_whole": False}
    return {"path": path, "text": text[:limit], "is_whole": len(text) <= limit}
