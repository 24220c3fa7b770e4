"""The stand-ins by name, and operations on all of them."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from demo import endpoints
from demo.service import StandIn
from demo.sql import shop
from demo.store import Store


def load(name: str) -> StandIn:
    """Return the module of one stand-in."""
    return cast("StandIn", importlib.import_module(f"demo.{name}.stand_in"))


def load_all() -> dict[str, StandIn]:
    """Return all stand-ins by name."""
    return {name: load(name) for name in endpoints.NAMES}


def seed_all(store: Store) -> None:
    """Create the sample data of every stand-in."""
    for stand_in in load_all().values():
        stand_in.seed(store)


def show_all(store: Store) -> dict[str, dict[str, Any]]:
    """Return the content of every stand-in that has any (the model has none)."""
    shown = {name: stand_in.show(store) for name, stand_in in load_all().items()}
    return {name: part for name, part in shown.items() if part}


def open_store(folder: Path) -> Store:
    """Open the demo's store in `folder`, with sample data created on first use."""
    store = Store(folder / endpoints.DATABASE_NAME)
    store.seed_once(seed_all)
    shop.make_once(folder / endpoints.FILES["sql"])
    note_origins(store, endpoints.known_ports(folder))
    return store


def reset(store: Store, folder: Path) -> int:
    """Create the sample data of every stand-in anew; return the new generation."""
    generation = store.reset(seed_all)
    shop.make(folder / endpoints.FILES["sql"])
    return generation


def note_origins(store: Store, ports: Mapping[str, int]) -> None:
    """Store the address of each stand-in, which appears in links to itself."""
    for name, port in ports.items():
        origin = {"origin": _origin(port)}
        if store.get("_origins", name) != origin:
            store.put("_origins", name, origin)


def _origin(port: int) -> str:
    return f"http://{endpoints.HOST}:{port}"


def line(store: Store, ports: Mapping[str, int], folder: Path) -> str:
    """Return one line of JSON: each stand-in's address, token and account, in the form its SDK expects."""
    document: dict[str, Any] = {}
    for name, port in ports.items():
        module = load(name)
        origin = _origin(port)
        document[name] = {"base_url": origin, "token": module.TOKEN} | _extra(name, module, origin, store)
    for name, file in endpoints.FILES.items():
        url = f"sqlite:///{quote(str(folder.resolve() / file))}"
        document[name] = {"base_url": url, "token": url}
    return json.dumps({**document, "generation": store.generation})


def _extra(name: str, module: StandIn, origin: str, store: Store) -> dict[str, str]:
    """Return what a service adds to `base_url` and `token`."""
    if name == "gmail":
        return {"account": f"demo-{store.generation}@example.com", "web_url": f"{origin}/mail/"}
    if name == "github":
        return {"repository": "acme/app"}
    if name == "openai":
        return {"base_url": f"{origin}/v1", "model": cast("Any", module).MODEL}
    if name in {"anthropic", "gemini"}:
        return {"model": cast("Any", module).MODEL}
    return {}
