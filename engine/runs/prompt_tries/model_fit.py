"""How well the models of a workflow do what its prompts ask, by the recorded answers to their cases: none is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

from msgspec import Struct

from clients.wording import counted
from engine.base.definitions import PromptDefinition
from engine.base.errors import OrchestraError
from engine.base.statuses import AccountMode
from engine.compiler.definition.plan import Plan
from engine.connections.model_prices import ModelPrices
from engine.prompts.cases import CaseStore
from engine.prompts.examples import Examples
from engine.prompts.prompt import PASS_AT_LEAST
from engine.runs.prompt_tries.answers import RecordedAnswers, SharedAnswers
from engine.runs.prompt_tries.cells import Cells
from engine.runs.prompt_tries.judging import judges_of
from engine.runs.prompt_tries.matrix import is_unsure
from engine.runs.prompt_tries.questions import AskedColumn, ModelAccount, model_to_ask
from engine.runs.prompt_tries.try_requests import TryRequests


class ModelFit(Struct, frozen=True):
    """How a model does with the cases of a prompt."""

    prompt: str
    model: str
    cases: int
    answered: int
    """How many of them it has answered."""
    passed: int
    unsure: int
    """How many have not passed as the model was unsure: it gave no wrong answer."""
    wanted: float
    """The share of the cases that should pass (`pass_at_least` of the prompt)."""

    @property
    def warning(self) -> str:
        """Say what a person should know before its answers are used; empty if enough of the cases pass."""
        said = []
        if self.passed < self.wanted * self.answered:
            said.append(
                f"{self.model} passes {self.passed} of {counted(self.answered, 'case')} of the prompt "
                f"'{self.prompt}', and at least {self.wanted:.0%} should pass. Expect wrong answers: use another "
                "model, or require approval for what it writes."
            )
            if self.unsure:
                said.append(f"It is unsure in {counted(self.unsure, 'case')}, rather than wrong.")
        if self.answered < self.cases:
            said.append(
                f"{self.model} has been tried with {self.answered} of {counted(self.cases, 'case')} of the prompt "
                f"'{self.prompt}'. `orchestra prompts test {self.prompt}` shows how often it is right."
            )
        return " ".join(said)


class _Asked(NamedTuple):
    """A model that a step may ask; `prompt` and `model` may be expressions."""

    prompt: Any
    connection: str
    model: Any


class ModelFits:
    """Counts the cases that pass; any thread."""

    def __init__(
        self, store: CaseStore, try_requests: TryRequests, cells: Cells, model_of: Callable[[str], ModelPrices]
    ) -> None:
        self._store, self._try_requests, self._cells, self._model_of = store, try_requests, cells, model_of

    def warnings(self, plan: Plan, modes: Mapping[str, AccountMode]) -> list[str]:
        """Return what a person should know of the models that a workflow asks; each once, none about the demo's."""
        asked = [one for one in _asked(plan) if modes.get(one.connection) is AccountMode.MINE]
        found = [one for one in map(partial(self._fit, plan), asked) if one is not None]
        return list(dict.fromkeys(one.warning for one in found if one.warning))

    def _fit(self, plan: Plan, asked: _Asked) -> ModelFit | None:
        """Return how a model does with a prompt; None if that is not known before a run."""
        document = plan.prompts.get(asked.prompt) if isinstance(asked.prompt, str) else None
        if document is None or not isinstance(asked.model, str):
            return None
        model = asked.model or model_to_ask({**document}, "", None) or self._model_of(asked.connection).model
        by = ModelAccount(asked.connection, demo=False, account=None, model=model)
        with suppress(OrchestraError):  # of a prompt that is gone, or cannot be read: compiling the workflow says so
            return self._counted(asked.prompt.partition("@")[0], document, by, asked.model)
        return None

    def _counted(self, name: str, document: PromptDefinition, by: ModelAccount, wished: str) -> ModelFit | None:
        cases = [one for one in self._store.list(name) if not one.problems]
        if not cases:
            return None
        answers = SharedAnswers(RecordedAnswers(self._store.folder(name)), is_fresh=False)
        judges = judges_of(cases, self._try_requests, is_offline=True)
        asked = AskedColumn(document, None, by, wished, examples=Examples(cases), judges=judges)
        found = [self._cells.answer(asked, one, 0, answers) for one in cases]
        answered = [one for one in found if one["usage"] is not None]
        passed = sum(not one["failures"] for one in answered)
        unsure = sum(is_unsure([one]) for one in answered)
        wanted = document.get("pass_at_least", PASS_AT_LEAST)
        return ModelFit(name, str(by.model), len(cases), len(answered), passed, unsure, wanted)


def _asked(plan: Plan) -> Iterator[_Asked]:
    """Yield the models that a plan may ask, those to ask in turn among them."""
    for action in (node.action for node in plan.nodes()):
        if action is not None and action.asks_models and action.connection is not None:
            prompt = action.arguments.get("prompt")
            yield _Asked(prompt, action.connection, action.arguments.get("model") or "")
            yield from (_Asked(prompt, one.connection, one.model) for one in action.other_models)
