"""The compiled state of the workflow files: a file is compiled again only if one of its sources has changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from msgspec import Struct
from msgspec.structs import replace

from engine.base.errors import InvalidFile, NotAvailableYet, OrchestraError
from engine.base.json_text import is_same
from engine.base.problem import Problem
from engine.compiler.definition.environment import Compiled, CompilerContext, Environment, SeenAccount
from engine.compiler.definition.plan import Plan, Reach
from engine.compiler.names import ScopeName, names_at
from engine.documents.json_file import JsonFile, parse
from engine.files.fingerprint import Stamp
from engine.workflows.recent import Recent

_TEXTS = 2
"""Texts that are kept of each name: the saved one, and the one in the editor."""
_MOST_PLANS = 32
_MOST_LETTERS = 500_000
"""How long the texts of kept plans may be together: a plan takes up to 160 times as much memory as its text."""
_MOST_UNSAVED = 8
"""Names without a file whose texts are remembered: anybody may have a text checked under any name."""
_MOST_UNSAVED_LETTERS = 1_000_000
_Question = tuple[str, str]
"""What a compiler asks about what is not in the file: (a function of `CompilerContext`, name)."""
Compile = Callable[[JsonFile, str, CompilerContext], Compiled]
"""Compiles a parsed file under a name. Raises InvalidFile with every problem if it cannot be read."""


class CheckedText(Struct, frozen=True):
    """The content of a text (None if it is not a JSON object) and all its problems; read-only."""

    document: Mapping[str, Any] | None
    problems: tuple[Problem, ...]
    reach: tuple[Reach, ...] = ()
    """Which text from outside goes where."""
    breaches: tuple[tuple[str, ...], ...] = ()
    """The ids of the steps on the way of each text that arrives where it must not."""


class CompiledTexts(Protocol):
    """The texts that are compiled."""

    def text(self, name: str) -> str:
        """Return a text by its name. Raises UnknownName, InvalidInput, InvalidFile."""

    def file(self, name: str) -> str:
        """Return the name of its file in problems."""

    def stamp(self, name: str) -> Stamp | None:
        """Return what changes with the file; () without a file."""


class RecordedCompilerContext:
    """A compiler context that records each question and looks it up once, for one pass over many files."""

    def __init__(self, around: CompilerContext) -> None:
        self._around = around
        self._answers: dict[_Question, Any] = {}
        self.noted: dict[_Question, Any] = {}

    @property
    def connections(self) -> Mapping[str, str]:
        """The service of each connection, by name."""
        return self._around.connections

    @property
    def environment(self) -> Environment | None:
        """The environment for which is compiled."""
        return self._around.environment

    @property
    def hosts(self) -> Mapping[str, str]:
        """The host of each connection, by name."""
        return self._around.hosts or {}

    def noting(self) -> CompilerContext:
        """Return the context of one compilation; `noted` collects its questions and their answers."""
        self.noted = {}
        givers = (self._giver("prompts"), self._giver("workflows"), self._giver("with_id"))
        return CompilerContext(
            self.connections,
            *givers,
            self._around.hosts,
            self._giver("is_user"),
            self._around.environment,
            self._giver("seen"),
            self._giver("lacks"),
            self._giver("own_settings"),
            self._giver("tools"),
        )

    def answer(self, question: _Question) -> Any:
        """Return the answer, or the error that explains why there is no answer."""
        if question not in self._answers:
            kind, name = question
            try:
                self._answers[question] = getattr(self._around, kind)(name)
            except OrchestraError as error:
                self._answers[question] = error
        return self._answers[question]

    def _giver(self, kind: str) -> Callable[[str], Any]:
        noted = self.noted

        def given(name: str) -> Any:
            answer = noted[kind, name] = self.answer((kind, name))
            if isinstance(answer, OrchestraError):
                raise answer
            return answer

        return given


class _Known(Struct, frozen=True):
    text: str
    connections: Mapping[str, str]
    hosts: Mapping[str, str]
    environment: Environment | None
    noted: Mapping[_Question, Any]
    checked: CheckedText

    def is_current(self, text: str, asked: RecordedCompilerContext) -> bool:
        """Return whether the text, and everything it was checked against, is unchanged."""
        now = (text, asked.connections, asked.hosts, asked.environment)
        is_same = now == (self.text, self.connections, self.hosts, self.environment)
        return is_same and all(
            _is_same_answer(answer, asked.answer(question)) for question, answer in self.noted.items()
        )


def _workflow(file: JsonFile, name: str, around: CompilerContext) -> Compiled:
    from engine.compiler.compiler import compile_workflow  # few commands compile

    return compile_workflow(file, name, around)


class CompiledFiles:
    """Compiles the files of one folder, and the texts that may become theirs. Thread-safe.

    `last_rename` returns a text that changes with each rename; it becomes part of the plans. `compiling` is for files
    that become workflows, such as agents.
    """

    def __init__(
        self,
        texts: CompiledTexts,
        compiler_context: Callable[[], CompilerContext],
        last_rename: Callable[[], str] = str,
        compiling: Compile = _workflow,
    ) -> None:
        self.compiler_context = compiler_context
        self._texts, self._last_rename, self._compile = texts, last_rename, compiling
        self._known: dict[str, tuple[_Known, ...]] = {}
        self._plans: Recent[int, tuple[CheckedText, Plan]] = Recent(_MOST_PLANS, _MOST_LETTERS)
        """The keys are identities of what was checked, which is kept with the plan and so cannot be reused."""
        self._unsaved: Recent[str, None] = Recent(_MOST_UNSAVED, _MOST_UNSAVED_LETTERS)

    def asked(self) -> RecordedCompilerContext:
        """Return the context for one pass over many files."""
        return RecordedCompilerContext(self.compiler_context())

    def check(self, name: str, text: str, asked: RecordedCompilerContext) -> CheckedText:
        """Return the problems of a text as workflow `name`; its last texts are not checked twice."""
        found = self._known.get(name, ())
        known = next((one for one in found if one.is_current(text, asked)), None)
        if known is None:
            checked, plan = self._compiled(name, text, asked)
            self._keep(text, checked, plan)
            known = _Known(text, asked.connections, asked.hosts, asked.environment, asked.noted, checked)
            self._known[name] = (known, *(one for one in found if one.text != text))[:_TEXTS]
            if self._texts.stamp(name) == ():
                self._forget_earlier_unsaved(name)
        return known.checked

    def names_at(self, name: str, text: str, line: int, column: int) -> list[ScopeName]:
        """Return what expressions at a place of a text may name, [] for a text that cannot be read."""
        from engine.compiler.compiler import read_workflow

        try:
            file = parse(text, self._texts.file(name))
        except InvalidFile:
            return []
        _, report = read_workflow(file, name, self.compiler_context())
        return [] if report is None else names_at(report, file.part_at(line, column).path)

    def current(self, name: str, asked: RecordedCompilerContext) -> CheckedText:
        """Return the problems of a file. Raises UnknownName, InvalidInput, and InvalidFile if it is not UTF-8."""
        return self.check(name, self._texts.text(name), asked)

    def errors(self, name: str) -> list[str]:
        """Return the errors of a workflow, as people read them; [] if it can run."""
        try:
            checked = self.current(name, self.asked())
        except OrchestraError as error:
            return [error.message]
        return [str(one) for one in checked.problems if one.severity == "error"]

    def plan(self, name: str, draft: str | None = None) -> Plan:
        """Return the plan of a file, or of a draft of it.

        Raises as `current`, InvalidFile with every problem, NotAvailableYet.
        """
        last_rename = self._last_rename()  # before any file is read, so that a later rename is noticed
        asked = self.asked()
        text = self._texts.text(name) if draft is None else draft
        checked = self.check(name, text, asked)
        self._require_plan(name, checked)
        _, plan = self._plans.get(id(checked)) or (checked, None)
        if plan is None:  # dropped
            again, plan = self._compiled(name, text, asked)
            self._require_plan(name, again)
        assert plan is not None, "without an error there is a plan"
        if plan.last_rename != last_rename:
            plan = replace(plan, last_rename=last_rename)
        self._keep(text, checked, plan)
        return plan

    def forget_all_but(self, names: list[str]) -> None:
        """Forget the files that no longer exist."""
        for name in self._known.keys() - set(names):
            self._known.pop(name, None)

    def _forget_earlier_unsaved(self, name: str) -> None:
        size = sum(len(one.text) for one in self._known[name])
        for forgotten in self._unsaved.keep(name, None, size):
            self._known.pop(forgotten, None)

    def _keep(self, text: str, checked: CheckedText, plan: Plan | None) -> None:
        if plan is not None:
            self._plans.keep(id(checked), (checked, plan), len(text))

    def _compiled(self, name: str, text: str, asked: RecordedCompilerContext) -> tuple[CheckedText, Plan | None]:
        around = asked.noting()
        try:
            file = parse(text, self._texts.file(name))
            compiled = self._compile(file, name, around)
        except InvalidFile as error:
            wrong = error.problems or [Problem(error.message, file=self._texts.file(name), remedy=error.remedy)]
            return CheckedText(None, tuple(wrong)), None
        document = file.value if isinstance(file.value, dict) else None
        return CheckedText(document, tuple(compiled.problems), compiled.reach, compiled.breaches), compiled.plan

    def _require_plan(self, name: str, checked: CheckedText) -> None:
        errors = [one for one in checked.problems if one.severity == "error"]
        not_yet = [one for one in errors if one.code == "not_available_yet"]
        if not_yet and len(not_yet) == len(errors):
            raise NotAvailableYet(not_yet[0].message, remedy=not_yet[0].remedy)
        if errors:
            raise InvalidFile.of(self._texts.file(name), list(checked.problems))


def document_of(file: JsonFile) -> dict[str, Any]:
    """Return the JSON object of a parsed file. Raises InvalidFile if it contains something else."""
    if not isinstance(file.value, dict):
        raise InvalidFile(f"{file.file} does not contain a JSON object.")
    return file.value


def _is_same_answer(one: Any, other: Any) -> bool:
    if isinstance(one, OrchestraError) and isinstance(other, OrchestraError):
        return _words(one) == _words(other)
    if isinstance(one, SeenAccount):
        return bool(one == other)
    return type(one) is type(other) and is_same(one, other)


def _words(error: OrchestraError) -> tuple[Any, ...]:
    problems = error.problems if isinstance(error, InvalidFile) else []
    return type(error), error.message, error.remedy, problems
