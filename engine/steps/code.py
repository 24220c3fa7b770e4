"""The step that runs a person's code in the sandbox."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, ClassVar, Literal

from clients.code.service import CODE, CodeSettings
from clients.errors import InvalidRequest
from engine.base.run_file import FileContent, RunFile
from engine.plugins.step import (
    Call,
    Effect,
    Fields,
    JsonValue,
    Output,
    Prompts,
    Repeat,
    content,
    destination,
    file_to_read,
    instruction,
    option,
    outside,
)
from engine.sandbox.backends.backend import CodeNeeds
from engine.sandbox.backends.ladder import refusal
from engine.sandbox.backends.languages import BUILT_IN, PYTHON
from engine.sandbox.code.proxy import PLACE, ProxySession
from engine.sandbox.code.running import FILES_MOST, GIVEN_BYTES_MOST, CodeLimits, CodeToRun, run, syntax_problem
from engine.sandbox.left_files import LeftFile
from engine.steps.file.fields import FileStep, FileToRead, free_name, opened, plain_name

_NAMED = frozenset({"inputs.json"})  # the sandbox itself puts the inputs there, beside the files
_FIXED = (
    "Code is fixed: no {{ }} in it. Give the value in 'inputs', where the code finds it as `inputs`; where two braces "
    "belong to the code itself, put a space between them."
)
_NO_HOST = "is not a host: write such as api.example.org, or api.example.org:8443."
NOT_IN_DEMO = "Code has no network in the demo."


class LimitFields(Fields):
    """What the code may take; config.yaml has the highest values (`code`)."""

    seconds: int = option("Seconds", 60, ge=1, le=3600)
    memory_mb: int = option("Memory in MB", 512, ge=16, le=65_536)
    processes: int = option("Processes and threads", 64, ge=8, le=4096)
    disk_mb: int = option("Files in MB", 64, ge=1, le=16_384)
    output_kb: int = option("Output in KB", 1024, ge=1, le=65_536)


class CodeFields(Fields):
    """The code and its inputs. `language` is `python`, `javascript`, `shell`, or one that `code.interpreters` of
    config.yaml names. `limits` has `seconds` (60), `memory_mb` (512), `processes` (64), `disk_mb` (64) and `output_kb`
    (1024).
    """

    language: str = instruction("Language", PYTHON, pattern=r"^[a-z][a-z0-9_+-]{0,30}$", examples=list(BUILT_IN))
    code: str = instruction("Code", min_length=1, max_length=1_000_000, widget="code")
    inputs: dict[str, JsonValue] = content("Value of `inputs` in the code", {})
    files: list[FileToRead] = file_to_read("Files that it can read in /in", default=[], max_length=FILES_MOST)
    limits: LimitFields = option("Limits", LimitFields())
    network: list[str] = destination("Hosts that it may reach, such as api.example.org; empty: none", [], max_length=50)


class CodeOutput(Output):
    """What the code assigned to `output`, or printed as its last line, if that is JSON; and the files that it left in
    `/w/out`.
    """

    output: Any = outside("What the code gave")
    stdout: str = outside("What it printed")
    stderr: str = outside("What it complained about")
    exit_code: int
    files: list[RunFile]


class RunCode(FileStep):
    """Run code in a sandbox on this machine, without access to this program's files and environment.

    Without `network`, it can change nothing outside, so it needs no approval and may be repeated. With `network`, it
    can reach these hosts only, and counts as a write. The code reads `inputs`, and its files in `/in`. It writes to
    `/w`; files in `/w/out` become files of the run. Without a sandbox, no code is run.
    """

    name = "code.run"
    title = "Run code"
    service = CODE.name
    is_tool: ClassVar[bool] = True
    effect = Effect.WRITES
    repeat = Repeat.UNFINDABLE
    approval: ClassVar[Literal["always", "never"]] = "always"
    done = "run"
    lasts = "Only the servers that it has called know how to undo what it did."
    timeout_seconds = 3720.0  # the code has its own limit, of up to an hour, with a better error
    fields = CodeFields
    output = CodeOutput

    def call(self, call: Call) -> JsonValue:
        """Return {output, stdout, stderr, exit_code, files}. Raises CodeFailed, LimitExceeded, SandboxMissing."""
        it: CodeFields = call.fields
        settings: CodeSettings = call.client.settings
        if it.network and call.client.is_demo:
            raise InvalidRequest(NOT_IN_DEMO, service=CODE.name, remedy="Run it on your own accounts, or without.")
        limits, most = limits_of(it.limits, settings)
        way = ProxySession.to(it.network, settings.allow_hosts) if it.network else None
        with ExitStack() as until_done:
            given = [until_done.enter_context(opened(call, one)) for one in it.files]
            if sum(one.size_bytes for one in given) > GIVEN_BYTES_MOST:
                raise InvalidRequest("The files have more than 1 GB together.", service=CODE.name)
            taken = {one.casefold() for one in _NAMED}
            named = [(free_name(plain_name(one.name, "unnamed"), taken), one) for one in given]
            ran = run(CodeToRun(it.language, it.code, it.inputs, settings, limits, most, way), named)
        return {
            "output": ran.output,
            "stdout": ran.stdout,
            "stderr": ran.stderr,
            "exit_code": 0,
            "files": contents(ran.files),
        }

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> list[tuple[str, str]]:
        """Require code that is fixed, in a fixed language."""
        found = [*super().problems(arguments, prompts), *_problems(arguments.get("code"), arguments.get("language"))]
        return [*found, *wrong_hosts(arguments.get("network"))]

    def unfit(self, arguments: Mapping[str, JsonValue], settings: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Require a sandbox that has what the code needs."""
        named = arguments.get("language", PYTHON)
        if not isinstance(named, str) or "{{" in named:
            return []
        needs = CodeNeeds(named, bool(arguments.get("files")), bool(arguments.get("network")))
        found = refusal(CodeSettings.model_validate(settings), needs)
        return [found] if found else []

    def effect_of(self, arguments: Mapping[str, JsonValue]) -> tuple[Effect, Repeat | None]:
        """Return a write that cannot be found for code with network: only its author knows what it does there."""
        return (Effect.WRITES, Repeat.UNFINDABLE) if arguments.get("network") else (Effect.READS, None)

    def approval_of(self, arguments: Mapping[str, JsonValue]) -> Literal["always", "never"]:
        """Return `always` for code with network."""
        return "always" if arguments.get("network") else "never"

    def hosts(self, arguments: Mapping[str, JsonValue]) -> Sequence[str]:
        """Return the hosts of `network`."""
        named = arguments.get("network")
        return [one for one in named if isinstance(one, str)] if isinstance(named, list) else []

    def is_derived(self, arguments: Mapping[str, JsonValue]) -> bool:
        """Return whether it has neither files nor network: what is in these is text from outside."""
        return not arguments.get("files") and not arguments.get("network")


def _problems(code: Any, name: Any) -> list[tuple[str, str]]:
    named = PYTHON if name is None else name
    if isinstance(named, str) and "{{" in named:
        return [("language", "The language is fixed: no {{ }} in it.")]
    if not isinstance(code, str):
        return []
    if "{{" in code:
        return [("code", _FIXED)]
    wrong = syntax_problem(code) if named == PYTHON else ""
    return [("code", wrong)] if wrong else []


def wrong_hosts(named: Any) -> Iterator[tuple[str, str]]:
    """Yield (`network`, sentence) for each invalid host."""
    for one in named if isinstance(named, list) else ():
        if not isinstance(one, str) or not PLACE.match(one):
            yield ("network", f"{one!r} {_NO_HOST}")
    if named and not isinstance(named, list):
        yield ("network", "The hosts are a fixed list: no {{ }} in it.")


def limits_of(wanted: LimitFields, settings: CodeSettings) -> tuple[CodeLimits, CodeLimits]:
    """Return the limits of a call, and how far they may be raised. Raises InvalidRequest if they are too high."""
    most = {name: getattr(settings, f"{name}_most") for name in LimitFields.model_fields}
    now = wanted.model_dump()
    for name, allowed in most.items():
        if now[name] > allowed and name in wanted.model_fields_set:
            raise InvalidRequest(
                f"`limits.{name}` is {now[name]:,}, and this workspace allows {allowed:,}.",
                service=CODE.name,
                remedy=f"Lower it, or raise `code.{name}_most` in config.yaml.",
            )
    return CodeLimits(**{name: min(now[name], most[name]) for name in most}), CodeLimits(**most)


def contents(left: Sequence[LeftFile]) -> list[FileContent]:
    """Return the files that code has left, under plain names."""
    taken: set[str] = set()
    return [
        FileContent(
            content=one.content,
            name=free_name(plain_name(one.path.replace("/", "_"), "unnamed"), taken),
            media_type=mimetypes.guess_type(one.path)[0] or "application/octet-stream",
        )
        for one in left
    ]
