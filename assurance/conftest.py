"""The stand-ins and the rules of `tests/`, for the tests here, too."""

from __future__ import annotations

from tests.conftest import (
    certificates,
    components,
    demo_services,
    hashes,
    http,
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_ignore_collect,
    pytest_plugins,
    pytest_sessionfinish,
    stand_in_processes,
    standins,
    state_on_postgres,
    syncs,
)

__all__ = [
    "certificates",
    "components",
    "demo_services",
    "hashes",
    "http",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_ignore_collect",
    "pytest_plugins",
    "pytest_sessionfinish",
    "stand_in_processes",
    "standins",
    "state_on_postgres",
    "syncs",
]
