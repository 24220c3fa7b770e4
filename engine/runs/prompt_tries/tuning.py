"""Tries a fixed list of changes of a prompt with its cases and one model, and proposes the best."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from clients.errors import ServiceError
from clients.wording import counted
from engine.base.errors import InUse, InvalidInput, OrchestraError
from engine.base.names import checked_name
from engine.base.statuses import ACTIVE_RUNS, AccountMode, RunStatus
from engine.budgets.prices import usd
from engine.connections.model_prices import model_prices
from engine.people.access import Principal
from engine.people.operation import operation
from engine.prompts.answer_checks import REQUESTS_AGAIN, asked_again
from engine.prompts.assertions import Judge
from engine.prompts.examples import Examples
from engine.prompts.prompt import MOST_EXAMPLE_TOKENS, estimated_tokens, of_draft, text_of, with_changes
from engine.prompts.prompt_cases import NO_CASES, PromptCases
from engine.runs.prompt_tries.columns import TriedColumn
from engine.runs.prompt_tries.matrix import MOST_COLUMNS, Matrix, MatrixColumn, MatrixRequest
from engine.runs.prompt_tries.tuned import Score, TuneCost, TunedVariant, TuneReport, TuneRequest, share_words
from engine.runs.prompt_tries.variants import SURE, PromptChange, PromptVariant, possible_changes
from engine.workspace.config import LoadedConfig

if TYPE_CHECKING:
    from engine.prompts.prompt_files import PromptFile, PromptFiles
    from engine.runs.prompt_tries.case_tests import CaseTests
    from engine.runs.prompt_tries.try_requests import TryRequests

    Propose = Callable[[Principal, PromptFile, dict[str, Any], str, Matrix], str]

HELD_BACK_FROM = 10
"""From how many cases on half of them are not used for choosing."""
_MOST_ROUNDS = 3
_ANSWER_TOKENS = 300


@dataclass
class _Tuning:
    """A tuning at work."""

    p: Principal
    file: PromptFile
    wanted: TuneRequest
    chosen: Sequence[str]
    held: Sequence[str]
    ends_at: float | None
    columns: dict[str, MatrixColumn] = field(default_factory=dict)
    """By the title of the variant."""
    held_columns: dict[str, MatrixColumn] = field(default_factory=dict)
    """The same with all cases."""
    tests: list[Matrix] = field(default_factory=list)

    def seconds_left(self) -> float | None:
        """Return how long to wait; None without an end."""
        return None if self.ends_at is None else max(self.ends_at - time.monotonic(), 0.0)


_DRAFT = PromptVariant()


class _Ended(Exception):
    """There is no proposal, for a reason that is no error."""

    def __init__(self, status: RunStatus, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words


_TIME_IS_UP = "Time is up. Run it again to continue."


@dataclass
class TuneWork:
    """A tuning in the background."""

    wanted: TuneRequest
    is_over: bool = False
    report: TuneReport | None = None
    error: OrchestraError | ServiceError | None = None
    """Why there is no report."""


class PromptTuning:
    """Writes nothing but a proposal."""

    def __init__(
        self,
        propose: Propose,
        prompts: PromptFiles,
        cases: PromptCases,
        tests: CaseTests,
        try_requests: TryRequests,
        config: Callable[[], LoadedConfig],
    ) -> None:
        """`propose` keeps changes of a prompt, why they are proposed and the test of both texts, and returns an id."""
        self._propose, self._prompts, self._cases = propose, prompts, cases
        self._tests, self._try_requests, self._config = tests, try_requests, config
        self._at_work: dict[str, str] = {}  # the id of the last test of tuning, by prompt
        self._works: dict[tuple[str, str], TuneWork] = {}  # by person and prompt
        self._lock = threading.Lock()

    @operation("prompts.tuning_cost", "edit", "change prompts", "See what tuning a prompt may cost")
    def cost(self, p: Principal, name: str, wanted: TuneRequest) -> TuneCost:
        """Return how much a model may be asked. Raises as `tune`."""
        work, changes = self._begun(p, name, wanted, None)
        document = of_draft(work.file.json_object())
        by = self._try_requests.model(wanted.connection, is_offline=True)
        texts = [text_of(one["content"]) for one in document["messages"]]
        values = [str(one.document) for one in self._cases.list(p, name)]
        each = sum(map(estimated_tokens, texts)) + max(map(estimated_tokens, values)) + MOST_EXAMPLE_TOKENS
        asking = [one for one in changes if one.group != SURE]  # another threshold asks nothing more
        times = dict.fromkeys(work.chosen, 1 + _MOST_ROUNDS * len(asking)) | dict.fromkeys(work.held, 2)
        sure = next((one.members for one in changes if one.group == SURE), {})
        own = 1 + REQUESTS_AGAIN * asked_again({**document, **sure})
        models = {one.case: one.model() for one in self._cases.list(p, name) if one.case in times}
        judges = {case: sum(isinstance(one, Judge) for one in model.assertions) for case, model in models.items()}
        questions = sum(many * (own + judges[case]) for case, many in times.items())
        prices = model_prices(self._config(), by.connection, AccountMode.DEMO if by.demo else AccountMode.MINE)
        model = wanted.model or str(document.get("model") or "") or prices.model
        nano_usd = prices.prices.cost((model,), questions * each, questions * _ANSWER_TOKENS)
        return TuneCost(questions, None if nano_usd is None else usd(nano_usd))

    @operation("prompts.tune", "edit", "change prompts", "Find a better text of a prompt for a model")
    def tune(self, p: Principal, name: str, wanted: TuneRequest, seconds: float | None = None) -> TuneReport:
        """Test the draft and variants of it, in rounds; propose the best if more cases pass with it.

        The first round adds one change to the draft, the next ones one more to the best so far. Of variants with which
        as many cases pass, one that is unsure is better than one that is wrong. With 10 cases or more, half of them
        choose; a variant that does worse than the draft with the other half is not proposed. Nothing is asked twice.
        `seconds`: how long to wait; None without an end.

        Raises InvalidInput (no cases, no change to try, no answer), ConfirmationNeeded (a real account), InvalidFile,
        UnknownName, InUse (somebody tests it).
        """
        work, changes = self._begun(p, name, wanted, seconds)
        try:
            return self._ended(work, self._best(work, changes))
        except _Ended as end:
            return _report(work, end.status, "", "", end.words)

    @operation("prompts.begin_tuning", "edit", "change prompts", "Begin to tune a prompt in the background")
    def begin(self, p: Principal, name: str, wanted: TuneRequest) -> TuneWork:
        """Begin what `tune` does; `work` returns how far it is. Raises InUse, and as `cost`."""
        self._begun(p, name, wanted, None)
        with self._lock:
            known = self._works.get((p.id, name))
            if known is not None and not known.is_over:
                raise InUse(f"The prompt {name!r} is being tuned already.", remedy="Wait until that has ended.")
            work = self._works[p.id, name] = TuneWork(wanted)
        threading.Thread(target=self._work, args=(p, name, work), name=f"tune {name}", daemon=True).start()
        return work

    @operation("prompts.tuning", "edit", "change prompts", "See how far the tuning of a prompt is")
    def work(self, p: Principal, name: str) -> TuneWork | None:
        """Return the last tuning that a person has begun in this process; None without one. Raises InvalidInput."""
        return self._works.get((p.id, checked_name("prompt", name)))

    def _work(self, p: Principal, name: str, work: TuneWork) -> None:
        try:
            work.report = self.tune(p, name, work.wanted)
        except (OrchestraError, ServiceError) as error:
            work.error = error
        finally:
            work.is_over = True

    def _best(self, work: _Tuning, changes: Sequence[PromptChange]) -> PromptVariant:
        best = _DRAFT
        for _ in range(_MOST_ROUNDS):
            more = best.with_one_more(changes)
            if not more:
                break
            self._round(work, [best, *more])
            found = {one.title: _variant(work, one.title) for one in (best, *more)}
            more = [one for one in more if _has_answers(work, one)]
            if not more:
                break
            better = min(more, key=lambda one: found[one.title].rank)
            if not found[better.title].is_better_than(found[best.title]):
                break
            best = better
        return best

    def _begun(
        self, p: Principal, name: str, wanted: TuneRequest, seconds: float | None
    ) -> tuple[_Tuning, list[PromptChange]]:
        file = self._prompts.get(p, checked_name("prompt", name))
        document = file.json_object()
        cases = [one for one in self._cases.list(p, name) if not one.problems]
        if not cases:
            raise InvalidInput(NO_CASES)
        account = self._try_requests.account(wanted.connection)
        usable = Examples(cases).most(of_draft(document))
        known: Collection[str] = getattr(account.client, "parameters", ())
        changes = possible_changes(document, usable, known)
        if not changes:
            raise InvalidInput("There is no change to try with this prompt.", remedy="Add a case with a whole answer.")
        chosen, held = halves([one.case for one in cases])
        ends_at = None if seconds is None else time.monotonic() + seconds
        return _Tuning(p, file, wanted, chosen, held, ends_at), changes

    def _round(self, work: _Tuning, variants: Sequence[PromptVariant]) -> None:
        """Ask the best variant so far, which is the first, and the others beside it."""
        most = MOST_COLUMNS - 1
        for place in range(1, len(variants), most):
            self._batch(work, [variants[0], *variants[place : place + most]])

    def _batch(self, work: _Tuning, variants: Sequence[PromptVariant]) -> None:
        columns = self._answered(work, variants, work.chosen, is_kept=False)["columns"]
        work.columns |= {one.title: column for one, column in zip(variants, columns, strict=True)}
        if not _has_answers(work, variants[0]):
            failures = [fault for cell in columns[0]["cells"].values() for one in cell for fault in one["failures"]]
            said = failures[0]["message"] if failures else ""
            raise InvalidInput(
                f"The model has answered no case. {said}".strip(), remedy="Try the prompt with it first."
            )
        _require_answers([one for one in columns if _count_answered(one, work.chosen)], work.chosen)

    def _answered(
        self, work: _Tuning, variants: Sequence[PromptVariant], cases: Sequence[str], *, is_kept: bool
    ) -> Matrix:
        name, p = work.file.name, work.p
        columns = [self._column(work, one) for one in variants]
        begun = self._test_begun(work, MatrixRequest(columns, cases=cases, is_kept=is_kept))
        try:
            matrix = self._tests.wait(p, name, work.seconds_left(), begun["id"])
        except BaseException:  # such as Ctrl-C: the answers that have come are recorded
            self._tests.cancel(p, name, begun["id"])
            raise
        is_over = matrix["status"] not in ACTIVE_RUNS
        work.tests.append(matrix if is_over else self._tests.cancel(p, name, begun["id"]))
        if not is_over:
            raise _Ended(RunStatus.RUNNING, _TIME_IS_UP)
        if matrix["status"] not in (RunStatus.SUCCEEDED, RunStatus.FAILED):
            raise _Ended(matrix["status"], "The test was stopped: nothing is proposed. Run it again to continue.")
        return matrix

    def _test_begun(self, work: _Tuning, wanted: MatrixRequest) -> Matrix:
        """Begin a test, once an earlier one of tuning has ended: what that one has asked already is still answered."""
        name = work.file.name
        while True:
            try:
                begun = self._tests.start(work.p, name, wanted)
            except InUse:
                own = self._at_work.get(name)
                if own is None:
                    raise
                if self._tests.wait(work.p, name, work.seconds_left(), own)["status"] in ACTIVE_RUNS:
                    raise _Ended(RunStatus.RUNNING, _TIME_IS_UP) from None
                if self._at_work.get(name) == own:
                    self._at_work.pop(name, None)
            else:
                self._at_work[name] = begun["id"]
                return begun

    def _column(self, work: _Tuning, variant: PromptVariant) -> TriedColumn:
        text = with_changes(work.file.json_object(), variant.members)
        return TriedColumn(
            text=text, text_name=variant.title, model=work.wanted.model, connection=work.wanted.connection
        )

    def _ended(self, work: _Tuning, best: PromptVariant) -> TuneReport:
        if not best.changes:
            return _report(work, RunStatus.SUCCEEDED, "", "", "No variant does better than the draft.")
        tested = self._answered(work, [_DRAFT, best], [*work.chosen, *work.held], is_kept=True)
        _require_answers(tested["columns"], [*work.chosen, *work.held])
        work.held_columns |= dict(zip((_DRAFT.title, best.title), tested["columns"], strict=True))
        before, after = (Score.of(one, work.held) for one in tested["columns"])
        if work.held and (after < before or (after == before and after.passed == 0)):
            return _report(work, RunStatus.SUCCEEDED, "", "", _refusal(work, best, before, after))
        words = _words(work, best)
        made = self._propose(work.p, work.file, best.members, words, tested)
        return _report(work, RunStatus.SUCCEEDED, best.title, made, words)


def halves(cases: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the cases to choose by, and those held back: as many, or one fewer.

    By a hash of the name: the order of the names decides nothing, and a new case moves at most one other.
    """
    if len(cases) < HELD_BACK_FROM:
        return [*cases], []
    first = {*sorted(cases, key=lambda one: hashlib.sha256(one.encode()).digest())[: len(cases) // 2]}
    return [one for one in cases if one not in first], [one for one in cases if one in first]


def _has_answers(work: _Tuning, variant: PromptVariant) -> bool:
    """Return whether a model has answered any case with a variant: it may refuse a parameter."""
    return _count_answered(work.columns[variant.title], work.chosen) > 0


def _count_answered(column: MatrixColumn, cases: Sequence[str]) -> int:
    return sum(any(one["text"] is not None for one in column["cells"].get(case, [])) for case in cases)


def _require_answers(columns: Sequence[MatrixColumn], cases: Sequence[str]) -> None:
    """Raise _Ended if an answer is missing: a question that failed says nothing about a text."""
    missing = sum(len(cases) - _count_answered(one, cases) for one in columns)
    if missing:
        many = counted(missing, "question")
        words = f"{many} of {len(columns) * len(cases)} got no answer: nothing is proposed. Run it again to continue."
        raise _Ended(RunStatus.FAILED, words)


def _variant(work: _Tuning, title: str) -> TunedVariant:
    held = work.held_columns.get(title)
    return TunedVariant.of(title, work.columns[title], work.chosen, None if held is None else Score.of(held, work.held))


def _refusal(work: _Tuning, best: PromptVariant, before: Score, after: Score) -> str:
    """Return why nothing is proposed, though it is better with the cases that chose it."""
    title, many = best.title, len(work.held)
    if after == before:
        return (
            f"With {title}, the cases it was chosen by go better, but none of the {many} others passes: "
            "nothing is proposed."
        )
    if after.passed < before.passed:
        return (
            f"With {title}, the cases it was chosen by go better, but {after.passed} instead of {before.passed} of the "
            f"{many} others pass: nothing is proposed."
        )
    wrong, wrong_before = many - after.not_wrong, many - before.not_wrong
    return (
        f"With {title}, the cases it was chosen by go better, but {wrong} instead of {wrong_before} of the {many} "
        "others are wrong: nothing is proposed."
    )


def _words(work: _Tuning, best: PromptVariant) -> str:
    after, before = (_variant(work, title) for title in (best.title, _DRAFT.title))
    many, held = len(work.chosen), len(work.held)
    now, then = (share_words(one.passed, one.unsure, many) for one in (after, before))
    said = f"With {best.title}, {now}; with the draft, {then}."
    if not work.held:
        return f"{said} All cases were used for choosing: with others, it may do worse."
    now, then = (share_words(one.held_back_passed or 0, one.held_back_unsure or 0, held) for one in (after, before))
    return f"{said} Of those not used for choosing, {now}; with the draft, {then}."


def _report(work: _Tuning, status: RunStatus, best: str, proposal: str, words: str) -> TuneReport:
    costs = [one["usage"]["cost_usd"] for one in work.tests]
    known = [one for one in costs if one is not None]
    column = next(iter(work.columns.values()), None)
    return TuneReport(
        prompt=work.file.name,
        status=status,
        model=work.wanted.model if column is None else column["model"],
        connection=work.wanted.connection if column is None else column["connection"],
        demo=column is not None and column["demo"],
        cases=len(work.chosen),
        held_back=len(work.held),
        variants=[_variant(work, title) for title in work.columns],
        best=best,
        proposal=proposal,
        words=words,
        asked=sum(one["asked"] for one in work.tests),
        reused=sum(one["reused"] for one in work.tests),
        cost_usd=sum(known) if len(known) == len(costs) else None,
    )
