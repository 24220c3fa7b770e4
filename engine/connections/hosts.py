"""Where connections lead: the host of each, as config.yaml and the environment say."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from engine.base.services import service_of
from engine.workspace.config import ConnectionSettings, LoadedConfig

_ENVIRONMENT = "env:"


def hosts(loaded: LoadedConfig) -> dict[str, str]:
    """Return {connection: host}; "" if it has no fixed host. No secret is read."""
    return {name: _host(one, loaded.environment) for name, one in loaded.config.connections.items()}


def host_of(loaded: LoadedConfig, name: str | None) -> str:
    """Return the host of one connection; "" if it has no fixed host, or does not exist."""
    connection = loaded.config.connections.get(name or "")
    return "" if connection is None else _host(connection, loaded.environment)


def _host(connection: ConnectionSettings, environment: Mapping[str, str]) -> str:
    service = service_of(connection.service)
    variables = service.variables if service is not None else {}
    own = connection.settings

    def setting(name: str) -> str:
        written = str(own.get(name) or environment.get(variables.get(name, ""), ""))
        is_named = written.startswith(_ENVIRONMENT)
        return environment.get(written.removeprefix(_ENVIRONMENT), "") if is_named else written

    host = setting("host") or setting("smtp_host")
    url = setting("base_url") or (service.url if service is not None else "")
    try:
        return host or urlsplit(url).hostname or ""
    except ValueError:  # not an address
        return ""
