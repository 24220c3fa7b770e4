"""Tries a fixed list of changes of a prompt with its cases and one model, and proposes the best."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec import Struct

from clients.wording import counted
from engine.base.errors import InUse, InvalidInput
from engine.base.names import checked_name
from engine.base.statuses import ACTIVE_RUNS, AccountMode, RunStatus
from engine.budgets.limits import money
from engine.budgets.prices import usd
from engine.connections.model_prices import model_prices
from engine.copilot.prompting.changes import with_changes
from engine.copilot.prompting.proposals import NO_CASES, PromptProposals, document_of
from engine.copilot.prompting.variants import PromptChange, PromptVariant, possible_changes
from engine.people.access import Principal
from engine.people.operation import operation
from engine.prompts.answer_checks import REQUESTS_AGAIN, asked_again
from engine.prompts.assertions import Judge
from engine.prompts.examples import Examples
from engine.prompts.prompt import MOST_EXAMPLE_TOKENS, estimated_tokens, of_draft, text_of
from engine.prompts.prompt_cases import PromptCases
from engine.record.types.step import UsageRecord
from engine.runs.prompt_tries.columns import TriedColumn
from engine.runs.prompt_tries.matrix import CellAnswer, Matrix, MatrixColumn, MatrixRequest, is_passed, opinions_of
from engine.workspace.config import LoadedConfig

if TYPE_CHECKING:
    from engine.prompts.prompt_files import PromptFile, PromptFiles
    from engine.runs.prompt_tries.case_tests import CaseTests
    from engine.runs.prompt_tries.try_requests import TryRequests

HELD_BACK_FROM = 10
"""From how many cases on half of them are not used for choosing."""
_MOST_ROUNDS = 3
_ANSWER_TOKENS = 300


class TuneRequest(Struct, frozen=True):
    """The model that a prompt is tuned for."""

    model: str = ""
    """Empty: the prompt's, else the connection's."""
    connection: str = ""
    """Empty: the only one of a model."""


@dataclass(frozen=True)
class TuneCost:
    """How much a model is asked at most; recorded answers are not asked again."""

    questions: int
    cost_usd: float | None
    """An estimate; None if the price is not known."""

    @property
    def words(self) -> str:
        """Say it."""
        cost = "the price of the model is not known" if self.cost_usd is None else f"about {money(self.cost_usd)}"
        return f"At most {counted(self.questions, 'question')}, {cost}."


@dataclass(frozen=True)
class TunedVariant:
    """How the cases go with a variant. Usage and time are for a case, on average, whenever it was asked."""

    title: str
    passed: int
    """Of the cases that the best variant is chosen by."""
    tokens: float
    seconds: float
    cost_usd: float | None
    """None if the price is not known."""
    held_back_passed: int | None = None
    """Of the cases that are not used for choosing; None if they were not asked."""


@dataclass(frozen=True)
class TuneReport:
    """What tuning has found."""

    prompt: str
    status: RunStatus
    """`running`: the time was over; asked again, it goes on with the answers recorded so far. `failed`: questions got
    no answer. `cancelled`, `interrupted`: the test was stopped."""
    model: str
    connection: str
    demo: bool
    cases: int
    """How many the best variant is chosen by."""
    held_back: int
    """How many are not used for choosing; 0 with few cases."""
    variants: list[TunedVariant]
    best: str
    """The title of the variant that is proposed; empty if none is better than the draft."""
    proposal: str
    """The id of its proposal."""
    words: str
    """All this in a sentence or two."""
    asked: int
    reused: int
    """How many answers were recorded before."""
    cost_usd: float | None
    """Of what was asked now."""


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


class PromptTuning:
    """Writes nothing but a proposal."""

    def __init__(
        self,
        proposals: PromptProposals,
        prompts: PromptFiles,
        cases: PromptCases,
        tests: CaseTests,
        try_requests: TryRequests,
        config: Callable[[], LoadedConfig],
    ) -> None:
        self._proposals, self._prompts, self._cases = proposals, prompts, cases
        self._tests, self._try_requests, self._config = tests, try_requests, config
        self._at_work: dict[str, str] = {}  # the id of the last test of tuning, by prompt

    @operation("prompts.tuning_cost", "edit", "change prompts", "See what tuning a prompt may cost")
    def cost(self, p: Principal, name: str, wanted: TuneRequest) -> TuneCost:
        """Return how much a model may be asked. Raises as `tune`."""
        work, changes = self._begun(p, name, wanted, None)
        document = of_draft(document_of(work.file))
        by = self._try_requests.model(wanted.connection, is_offline=True)
        texts = [text_of(one["content"]) for one in document["messages"]]
        values = [str(one.document) for one in self._cases.list(p, name)]
        each = sum(map(estimated_tokens, texts)) + max(map(estimated_tokens, values)) + MOST_EXAMPLE_TOKENS
        times = dict.fromkeys(work.chosen, 1 + _MOST_ROUNDS * len(changes)) | dict.fromkeys(work.held, 2)
        own = 1 + REQUESTS_AGAIN * asked_again(document)
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

        The first round adds one change to the draft, the next ones one more to the best so far. With 10 cases or more,
        half of them choose; a variant that does worse than the draft with the other half is not proposed. Nothing is
        asked twice. `seconds`: how long to wait; None without an end.

        Raises InvalidInput (no cases, no change to try, no answer), ConfirmationNeeded (a real account), InvalidFile,
        UnknownName, InUse (somebody tests it).
        """
        work, changes = self._begun(p, name, wanted, seconds)
        try:
            return self._ended(work, self._best(work, changes))
        except _Ended as end:
            return _report(work, end.status, "", "", end.words)

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
            better = min(more, key=lambda one: (-found[one.title].passed, found[one.title].tokens))
            if found[better.title].passed <= found[best.title].passed:
                break
            best = better
        return best

    def _begun(
        self, p: Principal, name: str, wanted: TuneRequest, seconds: float | None
    ) -> tuple[_Tuning, list[PromptChange]]:
        file = self._prompts.get(p, checked_name("prompt", name))
        document = document_of(file)
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
        matrix = self._answered(work, variants, work.chosen)
        work.columns |= {one.title: column for one, column in zip(variants, matrix["columns"], strict=True)}
        answers = _answers(matrix["columns"][0], work.chosen)
        if not _has_answers(work, variants[0]):
            said = answers[0]["failures"][0]["message"] if answers and answers[0]["failures"] else ""
            raise InvalidInput(
                f"The model has answered no case. {said}".strip(), remedy="Try the prompt with it first."
            )
        _require_answers([one for one in matrix["columns"] if _count_answered(one, work.chosen)], work.chosen)

    def _answered(self, work: _Tuning, variants: Sequence[PromptVariant], cases: Sequence[str]) -> Matrix:
        name, p = work.file.name, work.p
        columns = [self._column(work, one) for one in variants]
        begun = self._test_begun(work, MatrixRequest(columns, cases=cases))
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
                    del self._at_work[name]
            else:
                self._at_work[name] = begun["id"]
                return begun

    def _column(self, work: _Tuning, variant: PromptVariant) -> TriedColumn:
        text = with_changes(document_of(work.file), variant.members)
        return TriedColumn(
            text=text, text_name=variant.title, model=work.wanted.model, connection=work.wanted.connection
        )

    def _ended(self, work: _Tuning, best: PromptVariant) -> TuneReport:
        if not best.changes:
            return _report(work, RunStatus.SUCCEEDED, "", "", "No variant passes more cases than the draft.")
        tested = self._answered(work, [_DRAFT, best], [*work.chosen, *work.held])
        _require_answers(tested["columns"], [*work.chosen, *work.held])
        work.held_columns |= dict(zip((_DRAFT.title, best.title), tested["columns"], strict=True))
        before, after = (_passed(one, work.held) for one in tested["columns"])
        if work.held and before == after == 0:
            words = (
                f"With {best.title}, more cases pass of those it was chosen by, but none of the {len(work.held)} "
                "others: nothing is proposed."
            )
            return _report(work, RunStatus.SUCCEEDED, "", "", words)
        if after < before:
            words = (
                f"With {best.title}, more cases pass of those it was chosen by, but {after} instead of {before} of the "
                f"{len(work.held)} others: nothing is proposed."
            )
            return _report(work, RunStatus.SUCCEEDED, "", "", words)
        words = _words(work, best)
        made = self._proposals.keep(work.p, work.file, best.members, words, tested=tested)
        return _report(work, RunStatus.SUCCEEDED, best.title, made.id, words)


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


def _passed(column: MatrixColumn, cases: Sequence[str]) -> int:
    return sum(is_passed(column["cells"].get(one, []), 1) for one in cases)


def _answers(column: MatrixColumn, cases: Sequence[str]) -> list[CellAnswer]:
    return [answer for one in cases for answer in column["cells"].get(one, [])]


def _used(answer: CellAnswer) -> Iterator[UsageRecord]:
    """Yield what an answer took, with the question how sure the model is, and those to judges."""
    if answer["usage"] is not None:
        yield answer["usage"]
    if "second" in answer:
        yield answer["second"]["usage"]
    yield from (one["usage"] for one in opinions_of([answer]))


def _variant(work: _Tuning, title: str) -> TunedVariant:
    column = work.columns[title]
    answers = _answers(column, work.chosen)
    count, held = max(sum(one["usage"] is not None for one in answers), 1), work.held_columns.get(title)
    used = [one for answer in answers for one in _used(answer)]
    costs = [one["cost_usd"] for one in used if one["cost_usd"] is not None]
    return TunedVariant(
        title=title,
        passed=_passed(column, work.chosen),
        tokens=round(sum(one["input_tokens"] + one["output_tokens"] for one in used) / count),
        seconds=round(sum(one["seconds"] for one in _answers(column, work.chosen)) / count, 1),
        cost_usd=sum(costs) / count if len(costs) == len(used) else None,
        held_back_passed=None if held is None else _passed(held, work.held),
    )


def _words(work: _Tuning, best: PromptVariant) -> str:
    found = {one.title: one for one in (_variant(work, title) for title in (_DRAFT.title, best.title))}
    before, after = found[_DRAFT.title], found[best.title]
    many = len(work.chosen)
    said = f"With {best.title}, {after.passed} of {counted(many, 'case')} pass, and {before.passed} with the draft."
    if not work.held:
        return f"{said} All cases were used for choosing: with others, it may do worse."
    return (
        f"{said} Of the {len(work.held)} that were not used for choosing, {after.held_back_passed} pass, and "
        f"{before.held_back_passed} with the draft."
    )


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
