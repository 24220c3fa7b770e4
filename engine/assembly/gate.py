"""The gate before every area: what somebody asks about a workflow is compared with its `access`, here and only here.

Owners, the program itself and workspaces without any `access` pass at once. For everybody else, a workflow that they
may not see is replaced by one that does not exist, so that they get the answer that an unknown name gets.
"""

from __future__ import annotations

import inspect
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

from msgspec import Struct

from engine.assembly.gate_rules import GATED, UNNAMED, Acts, Subject
from engine.base.errors import InUse, NotAllowed, OrchestraError, UnknownName
from engine.compiler.definition.access_lists import Act
from engine.people.access import PROGRAM, Principal, may
from engine.people.workflow_access import RIGHT_FOR, WorkflowAccess
from engine.workflows.closed_workflows import Closed, ClosedWorkflows

if TYPE_CHECKING:
    from engine.runs.approvals import Decided, Decision

Area = TypeVar("Area")
_NOTHING = secrets.token_hex(4)
NO_WORKFLOW, NO_RUN, NO_QUESTION = f"none-{_NOTHING}", "20000101T000000Z-aaaaaaaa", f"none{_NOTHING}"
"""Names that nothing has, in the form of each kind. The random part keeps anybody from giving one to something."""
_DOING: Mapping[Act, str] = {"see": "see it", "run": "run it", "edit": "edit it", "approve": "answer its questions"}
_SHOW_QUESTIONS = "`orchestra approvals list` shows the open ones."


class RunOrigin(Struct, frozen=True):
    """Where a run comes from: its workflow, and the workflows that called it."""

    workflow: str
    workflow_id: str
    above: Sequence[str]
    """The ids of the workflows that called it: who may not see one of them may not see this run."""


class QuestionOrigin(Struct, frozen=True):
    """Where a question comes from."""

    run_id: str
    workflow: str


class AccessGate:
    """Guards the areas of a workspace; any thread.

    `ran` and `asked` return where a run and a question come from, None if it is not known.
    """

    def __init__(
        self,
        closed: ClosedWorkflows,
        ran: Callable[[str], RunOrigin | None],
        asked: Callable[[str], QuestionOrigin | None],
    ) -> None:
        self._closed, self._ran, self._asked = closed, ran, asked
        self._guarded: dict[str, tuple[object, object]] = {}

    def guarded(self, name: str, area: Area) -> Area:
        """Return an area, or a method that is one, behind the rules for it."""
        rules = GATED.get(name)
        if rules is None:
            return area
        known = self._guarded.get(name)
        if known is None or known[0] != area:  # not `is not`: each access makes a new bound method, equal to the last
            found = self._method(area, rules) if inspect.ismethod(area) else _Guarded(self, area, rules)
            known = self._guarded[name] = area, found
        return cast("Area", known[1])

    def _method(self, method: Any, acts: Any) -> Callable[..., Any]:
        """Return a method behind its rule."""
        named = tuple(inspect.signature(method).parameters)[1:]

        def called(p: Principal, /, *args: Any, **kwargs: Any) -> Any:
            if p.role == "owner" or p.id in PROGRAM:
                return method(p, *args, **kwargs)
            return self._call(method, p, acts, {**dict(zip(named, args, strict=False)), **kwargs})

        return wraps(method)(called)

    def _call(self, method: Any, p: Principal, acts: Acts, given: Mapping[str, Any]) -> Any:
        """Call a method in the name of `p`. Raises NotAllowed, and what the method raises."""
        closed = self._closed.now()
        if not closed.by_name and not closed.by_id:
            return method(p, **given)
        from engine.assembly.shown_answers import shown_answer, shown_error  # few workspaces need it

        person = replace(p, hidden=closed.hidden_from(p))
        stand_ins: dict[str, str] = {}
        if method.__name__ in {"may_answer", "may_reject"} and not self._may(p, closed, "approve", "approval", given):
            return False
        if "decisions" in acts:
            return self._decide(method, person, closed, given["decisions"])
        changed = {**given, **self._changed(p, closed, acts, given, stand_ins)}
        try:
            return shown_answer(method(person, **changed), person.sees)
        except OrchestraError as error:
            raise shown_error(_as_unknown(error, person, stand_ins), person.sees) from error

    def _changed(
        self, p: Principal, closed: Closed, acts: Acts, given: Mapping[str, Any], stand_ins: dict[str, str]
    ) -> dict[str, Any]:
        """Return the arguments that name something hidden, as something that does not exist. Raises NotAllowed.

        `stand_ins` gets each name that was given, under the name that replaces it.
        """
        changed: dict[str, Any] = {}
        for subject, act in acts.items():
            value = given.get(subject)
            value = value["run_id"] if subject == "run" and isinstance(value, Mapping) else value
            if not isinstance(value, str) or not value or given.get("kind", "workflow") != "workflow":
                continue
            about = self._about(closed, subject, value)
            if about.allows(p, act) or _is_new(given, subject):
                continue
            if not about.allows(p, "see"):
                if "new" in acts and may(p, RIGHT_FOR[act]):
                    raise InUse(f"The name {value!r} is taken by another workflow.", remedy="Choose another name.")
                stand_ins[about.stand_in] = value
                changed[subject] = {**given["run"], "run_id": about.stand_in} if subject == "run" else about.stand_in
            elif may(p, RIGHT_FOR[act]):  # else the area says that the role is not enough
                raise _refusal(p, act, about.workflow)
        return changed

    def _may(self, p: Principal, closed: Closed, act: Act, subject: Subject, given: Mapping[str, Any]) -> bool:
        return self._about(closed, subject, given[subject].id).allows(p, act)

    def _decide(self, decide: Any, p: Principal, closed: Closed, decisions: Sequence[Decision]) -> list[Decided]:
        """Let `p` answer the questions that they may; each of the others is refused."""
        from engine.runs.approvals import Decided

        refused: dict[int, OrchestraError] = {}
        for number, one in enumerate(decisions):
            about = self._about(closed, "question", one.id)
            if not about.allows(p, "see"):
                refused[number] = UnknownName("approval", one.id, remedy=_SHOW_QUESTIONS)
            elif not about.allows(p, "approve"):
                refused[number] = _refusal(p, "approve", about.workflow)
        told = iter(decide(p, [one for number, one in enumerate(decisions) if number not in refused]))
        return [
            Decided(one.id, None, refused[number]) if number in refused else next(told)
            for number, one in enumerate(decisions)
        ]

    def _about(self, closed: Closed, subject: Subject, value: str) -> _About:
        """Return the `access` that counts for a workflow, run or question, and a name of its kind that nothing has."""
        if subject in ("name", "workflow"):
            workflow, _, branch = value.partition("@")
            return _About(closed.of(value), workflow, f"{NO_WORKFLOW}@{branch}" if branch else NO_WORKFLOW)
        is_question = subject in ("question", "approval", "decisions")
        asked = self._asked(value) if is_question else None
        stand_in, run_id = (NO_QUESTION, asked.run_id if asked else "") if is_question else (NO_RUN, value)
        ran = self._ran(run_id)
        if ran is None:  # questions outlive their runs
            return _About(closed.of(asked.workflow) if asked else None, asked.workflow if asked else "", stand_in)
        above = [one for one in map(closed.of_id, ran.above) if one is not None]
        return _About(closed.of_id(ran.workflow_id), ran.workflow, stand_in, above)


class _About(Struct, frozen=True):
    """What a call is about."""

    access: WorkflowAccess | None
    workflow: str
    stand_in: str
    above: Sequence[WorkflowAccess] = ()

    def allows(self, p: Principal, act: Act) -> bool:
        """Return whether `p` may do this with it."""
        may_see = all(one.allows(p, "see") for one in self.above)
        return may_see and (self.access is None or self.access.allows(p, act))


class _Guarded:
    """An area whose methods are behind their rules; everything else of it is as it is."""

    def __init__(self, gate: AccessGate, area: Any, rules: Any) -> None:
        self.__dict__.update(_gate=gate, _area=area, _rules=rules)

    def __setattr__(self, name: str, value: object) -> None:
        self.__dict__.pop(name, None)  # the guard around the value that it replaces
        setattr(self._area, name, value)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._area, name)
        rule = self._rules.get(name, UNNAMED if _is_of_a_person(found) else None)
        if rule is None:
            return found
        guarded = self._gate._method(found, rule) if callable(found) else _Guarded(self._gate, found, rule)  # noqa: SLF001
        self.__dict__[name] = guarded  # a method of an area stays the same
        return guarded


def _is_new(given: Mapping[str, Any], subject: Subject) -> bool:
    """Return whether a file is to be created: if the name is taken, its creator learns that and no more."""
    return subject == "name" and "text" in given and "etag" in given and given["etag"] is None


def _refusal(p: Principal, act: Act, workflow: str) -> NotAllowed:
    return NotAllowed(
        f"The 'access' of the workflow {workflow!r} does not let {p.id} {_DOING[act]}.",
        remedy=f"An owner can add {p.id}, or a role, to '{act}' in the file of the workflow or on its page.",
    )


def _as_unknown(error: OrchestraError, p: Principal, stand_ins: Mapping[str, str]) -> OrchestraError:
    """Return an error as it is about names that do not exist: with the name given, and no hidden one beside it."""

    def named(text: str) -> str:
        for stand_in, name in stand_ins.items():
            text = text.replace(stand_in, name)
            text = text.replace(stand_in.partition("@")[0], name.partition("@")[0])
        return text

    if type(error) is UnknownName:
        return error.told(named, p.sees if error.thing == "workflow" else bool)
    error.message, error.remedy = named(error.message), named(error.remedy)
    return error


def _is_of_a_person(found: object) -> bool:
    """Return whether it is a method whose first parameter is who acts."""
    return inspect.ismethod(found) and [*inspect.signature(found).parameters][:1] == ["p"]
