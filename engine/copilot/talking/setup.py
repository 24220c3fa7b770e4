"""Which model the co-pilot asks, and what a person agrees to before anything is sent there."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from clients.errors import ServiceError
from engine.base.errors import InvalidInput, OrchestraError
from engine.base.json_text import JsonSchema
from engine.base.services import is_model
from engine.base.statuses import AccountMode
from engine.budgets.prices import Prices, usd
from engine.connections.accounts import Account
from engine.copilot.talking.consents import ModelConsents
from engine.copilot.talking.records import ModelMessage, ModelSetup, TurnLimits, TurnPreview, TurnPrice
from engine.expressions.json_values import compact_json
from engine.people.access import Principal
from engine.workspace.config import LoadedConfig

_USUAL = "llm"
_MILLION = 1_000_000
_BYTES_OF_A_TOKEN = 4  # a rule of thumb for all models
SENDS = (
    "The text of the workflow that you edit, its problems, and your last changes in words.",
    "What you ask, the steps that you have selected, and the last six questions and answers.",
    "The names of your connections and their services, and workflows of this workspace that the model asks for.",
    "Of the run that you talk about, or the last one if it has failed: names of fields, types, sizes, kinds of errors.",
    "Values of a run only of the steps that you tick.",
    "Of a prompt that you change: its text, and the shapes of its cases; values only of the cases that you tick.",
    "Never a secret, a key or a file.",
)
DIGEST = hashlib.sha256("\n".join(SENDS).encode()).hexdigest()[:16]
"""Who agreed to other words is asked again."""
NO_MODEL = "No model of your own is connected. Add one on the page Connections."
DEMO_QUESTIONS = frozenset(
    {
        "What does this workflow do?",
        "What starts it?",
        "Which steps write something?",
        "Would a second run write the same again?",
        "What happens if a step fails?",
        "Why did the last run fail?",
        "Ask me before each write, and try it in the demo.",
        "Try each step that uses a service three times.",
        "Start it every weekday at 8.",
        "Put a note on each step that asks a model.",
    }
)
"""What the demo's model answers, by a script (`demo/model/copilot.py`)."""
OFF = "The co-pilot's model is turned off in this workspace (`copilot.is_on` in config.yaml)."
NOT_AGREED = "You have not agreed yet that your workflow goes to this model."

_SMALL_CONTEXT = 32_000
"""Tokens. A model that reads fewer at once gets the short form: the usual beginning has about 10,600."""


def few_tokens_at_once(account: Account) -> int | None:
    """Return how many tokens a model reads at once, if they are few; None if they are many, or nobody says."""
    with suppress(ServiceError):  # the question to the model will say what is wrong
        found: int | None = getattr(account.client, "context_tokens", lambda: None)()
        return found if found is not None and found < _SMALL_CONTEXT else None
    return None


def patient(limits: TurnLimits) -> TurnLimits:
    """Return the limits for a small model: on a machine of its owner it may be slow, but not silent."""
    return replace(
        limits,
        calls=min(limits.calls, 2),
        repairs=min(limits.repairs, 1),
        seconds=10 * limits.seconds,
        silent_seconds=2 * limits.seconds,
    )


class Setups:
    """Finds the account of the model; opens it, but sends nothing."""

    def __init__(
        self,
        config: Callable[[], LoadedConfig],
        mode: Callable[[str], AccountMode],
        open_account: Callable[[str | None, str | None, AccountMode], Account],
        model_consents: ModelConsents,
    ) -> None:
        self._config, self._mode, self._open, self.model_consents = config, mode, open_account, model_consents

    def setup(self, p: Principal, limits: TurnLimits) -> ModelSetup:
        """Return which model would be asked."""
        settings = self._config().config.copilot
        nothing = ModelSetup(
            is_on=settings.is_on,
            is_available=False,
            is_agreed=False,
            why_not=NO_MODEL if settings.is_on else OFF,
            limits=limits,
        )
        if not settings.is_on:
            return nothing
        try:
            account = self.account()
        except (OrchestraError, ServiceError) as error:
            return replace(nothing, why_not=f"{error.message} {error.remedy}".strip())
        if account is None:
            return replace(nothing, is_demo=self._name() != "")
        host, model = account.client.account(), str(getattr(account.client, "model", ""))
        # Another host, another model or other words in SENDS: the person is asked again.
        is_agreed = self.model_consents.get(p) == [host, model, DIGEST]
        return ModelSetup(
            is_on=True,
            is_available=True,
            is_agreed=is_agreed,
            why_not="" if is_agreed else NOT_AGREED,
            connection=account.connection,
            service=account.service,
            host=host,
            model=model,
            limits=limits,
            sends=list(SENDS),
            price=self._price(account, model),
        )

    def account(self) -> Account | None:
        """Return the account of the model, if there is one. Raises OrchestraError, ServiceError."""
        config, name = self._config().config, self._name()
        if not name:
            return None
        known = config.connections.get(name)
        if known is not None and not is_model(known.service):
            raise InvalidInput(
                f"The connection {name!r} of the co-pilot is not a model, but {known.service}.",
                remedy="Name a connection to a model in config.yaml (`copilot.connection`).",
            )
        if known is not None and self._mode(known.service) == AccountMode.DEMO:
            return None
        return self._open(name, None, AccountMode.MINE)

    def demo_account(self) -> Account:
        """Return the account of the demo's model, where `ModelSetup.is_demo` is set. Raises OrchestraError."""
        return self._open(self._name(), None, AccountMode.DEMO)

    def preview(
        self,
        setup: ModelSetup,
        sent: Sequence[Mapping[str, Any]],
        tools: Sequence[str],
        answer_schema: JsonSchema | None = None,
    ) -> TurnPreview:
        """Return exactly what a turn sends first, and what it costs at most."""
        texts = [*(one["content"] for one in sent), *([compact_json(answer_schema)] if answer_schema else [])]
        size = sum(len(one.encode()) for one in texts) // _BYTES_OF_A_TOKEN
        told = [ModelMessage(one["role"], one["content"]) for one in sent]
        account = self.account()
        most = None if account is None else self._most(account, setup, size)
        return TurnPreview(setup.host, setup.model, told, list(tools), answer_schema, size, most)

    def cost(
        self,
        account: Account,
        models: tuple[str, ...],
        input_tokens: int,
        output_tokens: int,
        cached: tuple[int, int] = (0, 0),
    ) -> float | None:
        """Return the dollars of tokens, None if the price is not known; `cached` as for `Prices.cost`."""
        base_url = str(getattr(account.client, "base_url", ""))
        prices = Prices(self._config().config.prices, account.connection, base_url)
        nano = prices.cost(models, input_tokens, output_tokens, cached)
        return None if nano is None else usd(nano)

    def _name(self) -> str:
        """Return the name of the connection to the model, "" without one."""
        return self._config().config.copilot.connection or self._first()

    def _first(self) -> str:
        known = self._config().config.connections
        models = [name for name, one in known.items() if is_model(one.service)]
        return _USUAL if _USUAL in models else (models[0] if models else "")

    def _most(self, account: Account, setup: ModelSetup, begins: int) -> float | None:
        """Return the dollars of a turn that reaches its limits; `begins`: the tokens that it sends first.

        All tokens have the dearest price; in each request, as many as can have been sent before are cached.
        """
        limits, models = setup.limits, (setup.model,)
        tokens, before = limits.tokens, limits.tokens + begins
        each = (self.cost(account, models, *one) for one in ((tokens, 0), (0, tokens), (tokens, 0, (0, tokens))))
        cached = self.cost(account, models, before, 0, (before, 0))
        known = [one for one in each if one is not None]
        return max(known) + limits.calls * cached if known and cached is not None else None

    def _price(self, account: Account, model: str) -> TurnPrice | None:
        inputs, outputs = (self.cost(account, (model,), *one) for one in ((_MILLION, 0), (0, _MILLION)))
        return None if inputs is None or outputs is None else TurnPrice(inputs, outputs)
