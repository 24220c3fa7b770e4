"""The model of a connection, and what it costs there."""

from __future__ import annotations

from typing import NamedTuple

from clients.models.vectors import model_for_vectors
from engine.base.errors import OrchestraError
from engine.base.services import declaration
from engine.base.statuses import AccountMode
from engine.budgets.prices import Prices
from engine.workspace.config import LoadedConfig


class ModelPrices(NamedTuple):
    """The models of a connection, empty if it has no settings yet, and the prices there."""

    model: str
    embedding_model: str
    """The model that makes vectors."""
    prices: Prices


def model_prices(loaded: LoadedConfig, connection: str, mode: AccountMode) -> ModelPrices:
    """Return the models of a connection, and what they cost."""
    config = loaded.config
    try:
        settings = loaded.settings_of(connection)
    except OrchestraError:
        return ModelPrices("", "", Prices(config.prices, connection, is_demo=mode == AccountMode.DEMO))
    service = declaration(config.connections[connection].service)
    url = str(settings.get("base_url") or service.url)
    model = str(settings.get("model") or "")
    embedding_model = model_for_vectors(service, str(settings.get("embedding_model") or ""), model, url)
    return ModelPrices(model, embedding_model, Prices(config.prices, connection, url, mode == AccountMode.DEMO))
