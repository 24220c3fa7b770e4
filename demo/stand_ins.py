"""The four stand-ins, found by name, and what is done with all of them at once."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from demo.service import StandIn
from demo.store import Store

NAMES = ("gmail", "notion", "github", "openai")


def load(name: str) -> StandIn:
    """The module of one stand-in."""
    return cast("StandIn", importlib.import_module(f"demo.{name}.stand_in"))


def load_all() -> dict[str, StandIn]:
    """Every stand-in by name."""
    return {name: load(name) for name in NAMES}


def seed_all(store: Store) -> None:
    """Lay out the sample data of every stand-in."""
    for stand_in in load_all().values():
        stand_in.seed(store)


def show_all(store: Store) -> dict[str, dict[str, Any]]:
    """What a person would see in every stand-in that keeps something (the model keeps nothing)."""
    shown = {name: stand_in.show(store) for name, stand_in in load_all().items()}
    return {name: part for name, part in shown.items() if part}


def open_store(folder: Path) -> Store:
    """The data of the demo in `folder`, with the sample data laid out the first time."""
    store = Store(folder / "demo.db")
    store.seed_once(seed_all)
    return store


def line(store: Store, ports: Mapping[str, int]) -> str:
    """One line of JSON: where each stand-in is, with which token, as whom, as its SDK takes it."""
    document: dict[str, Any] = {}
    for name, port in ports.items():
        module = load(name)
        origin = f"http://127.0.0.1:{port}"
        document[name] = {"base_url": origin, "token": module.TOKEN} | _extra(name, module, origin, store)
    return json.dumps({**document, "generation": store.generation})


def _extra(name: str, module: StandIn, origin: str, store: Store) -> dict[str, str]:
    """What one service adds to `base_url` and `token`."""
    if name == "gmail":
        return {"account": f"demo-{store.generation}@example.com", "web_url": f"{origin}/mail/"}
    if name == "github":
        return {"repository": "acme/app"}
    if name == "openai":
        return {"base_url": f"{origin}/v1", "model": cast("Any", module).MODEL}
    return {}
