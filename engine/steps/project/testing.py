"""The step that runs a command on the files of a project, in the sandbox, and notes whether it passed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from clients.code.client import CodeClient
from clients.code.service import CODE, CodeSettings
from clients.errors import InvalidRequest, Timeout
from engine.plugins.step import (
    Call,
    Effect,
    JsonValue,
    Output,
    Preview,
    Receipt,
    Repeat,
    StepType,
    content,
    option,
    outside,
)
from engine.projects.work import MadeCommit, RunBranch, work_on
from engine.sandbox.backends.backend import CodeNeeds
from engine.sandbox.backends.ladder import refusal
from engine.sandbox.backends.languages import SHELL
from engine.sandbox.code.running import CodeToRun, ended, shown
from engine.sandbox.reading import ReadableFile
from engine.steps.code import LimitFields, limits_of
from engine.steps.project.fields import WorkFields, project_errors

_PACKED = "project.zip"
_SCRIPT = """export PYTHONDONTWRITEBYTECODE=1
python3 -m zipfile -e /in/{packed} /w/project && cd /w/project || exit 99
{command}
"""
_SHOWN = 20_000


_ENDED = {
    "time": "The command ran longer than `limits.seconds`, and was ended.",
    "memory": "The command needed more memory than `limits.memory_mb`, and was ended.",
    "processes": "The command had more processes than `limits.processes`, and was ended.",
    "answer": "The command printed more than `limits.output_kb`, and was ended.",
    "files": "The command made more than 10,000 files, and was ended.",
}


class TestFields(WorkFields):
    """The command, as in a shell in the folder of the project. `limits` are as for `code.run`."""

    command: str = content("Command, such as python3 -m unittest", min_length=1, max_length=4_000)
    go_back: bool = option("After a failure, go back to the last commit that has passed", default=True)
    limits: LimitFields = option("Limits", LimitFields())


class TestOutput(Output):
    """Whether the command exited with 0, and what it printed. `commit` is the tested commit; `went_back_to` is the
    commit to which the branch went back, "" if it did not.
    """

    passed: bool
    said: str
    stdout: str = outside("What it printed")
    stderr: str = outside("What it complained about")
    commit: str
    went_back_to: str


class Test(StepType):
    """Run a command on the files of a project, without network. A failing command is a result, not an error.

    A commit that passes is marked as green. After a failure, the branch goes back to the last green commit, if there is
    one, so that working code is not lost.
    """

    __test__: ClassVar[bool] = False

    name = "project.test"
    title = "Test a project"
    service = CODE.name
    connection_optional = True
    effect = Effect.WRITES
    repeat = Repeat.SAFE
    done = "tested"
    lasts = "It changes nothing but the branch of this run."
    timeout_seconds = 3720.0  # the command has its own limit, of up to an hour, with a better error
    fields = TestFields
    output = TestOutput

    def call(self, call: Call) -> JsonValue:
        """Return {passed, said, stdout, stderr, commit, went_back_to}. Raises SandboxMissing, InvalidRequest."""
        it: TestFields = call.fields
        with project_errors(), _opened(call) as work:
            earlier = work.made_by(call.marker)
            if earlier is not None:  # of an attempt that was interrupted after it went back
                return _again(work, earlier)
            commit = work.head
            found = _tested(call, work.repository.archive(commit), it)
            work.repository.mark(commit, is_green=bool(found["passed"]))
            back = work.go_back(call.marker) if it.go_back and not found["passed"] else None
            return {**found, "commit": commit, "went_back_to": "" if back is None else back.commit}

    def preview(self, call: Call) -> Preview:
        """Return the command."""
        it: TestFields = call.fields
        return Preview(it.command.splitlines()[0], it.command, object=it.project)

    def receipt(self, output: JsonValue) -> Receipt:
        """Return the commit."""
        return Receipt(id=str(output.get("commit", "")))

    def unfit(self, arguments: Mapping[str, JsonValue], settings: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Require a sandbox that has a shell and takes files."""
        found = refusal(CodeSettings.model_validate(settings), CodeNeeds(SHELL, files=True))
        return [("command", found[1])] if found else []


@contextmanager
def _opened(call: Call) -> Iterator[RunBranch]:
    client: CodeClient = call.client
    it: TestFields = call.fields
    if client.workspace is None:
        raise InvalidRequest("Projects need a workspace.", service=CODE.name)
    at = call.intended_at or call.started_at
    assert at is not None
    with work_on(client.workspace / "projects", it.project, it.branch, "", at) as work:
        yield work


def _tested(call: Call, packed: bytes, it: TestFields) -> dict[str, JsonValue]:
    """Run the command, and return how it ended."""
    settings: CodeSettings = call.client.settings
    limits, most = limits_of(it.limits, settings)
    code = CodeToRun(SHELL, _SCRIPT.format(packed=_PACKED, command=it.command), {}, settings, limits, most)
    with tempfile.TemporaryDirectory(prefix="orchestra-project-") as folder:
        path = Path(folder, _PACKED)
        path.write_bytes(packed)
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            end = ended(code, [(_PACKED, ReadableFile(handle, _PACKED))])
        finally:
            os.close(handle)
    if end.reason == "cancelled":
        raise Timeout("The command was cancelled.", service=CODE.name, outcome="not_done")
    passed = end.status == 0 and not end.reason
    said = "" if passed else _ENDED.get(end.reason, f"The command ended with exit code {end.status}.")
    texts = {"stdout": shown(end.out)[-_SHOWN:], "stderr": shown(end.complaints)[-_SHOWN:]}
    return {"passed": passed, "said": said, **texts}


def _again(work: RunBranch, back: MadeCommit) -> JsonValue:
    """Return what is known of a test that failed, after which the branch went back."""
    parent = work.repository.commit(back.commit).parent or ""
    said = "The tests failed; what they said was lost when the program was interrupted."
    return {"passed": False, "said": said, "stdout": "", "stderr": "", "commit": parent, "went_back_to": back.commit}
