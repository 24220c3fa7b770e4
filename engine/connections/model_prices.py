"""The model of a connection, and what it costs there."""

from __future__ import annotations

from engine.base.errors import OrchestraError
from engine.base.services import declaration
from engine.base.statuses import AccountMode
from engine.budgets.prices import Prices
from engine.workspace.config import LoadedConfig


def model_prices(loaded: LoadedConfig, connection: str, mode: AccountMode) -> tuple[str, Prices]:
    """Return the model of a connection, empty if it has no settings yet, and the prices there."""
    config = loaded.config
    try:
        settings = loaded.settings_of(connection)
    except OrchestraError:
        return "", Prices(config.prices, connection, is_demo=mode == AccountMode.DEMO)
    url = settings.get("base_url") or declaration(config.connections[connection].service).url
    return str(settings.get("model", "")), Prices(config.prices, connection, str(url), mode == AccountMode.DEMO)
