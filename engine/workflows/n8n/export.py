"""The file that n8n exports: nodes, and which of their outputs lead where (docs.n8n.io, Export and import)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from engine.base.errors import InvalidInput

Json = Mapping[str, Any]
_SETTINGS = ("executeOnce", "onError", "continueOnFail", "alwaysOutputData")
_MOST_NODES = 1_000
_REMEDY = "Open the workflow in n8n, and choose Download in its menu."


class N8nNode(Struct, frozen=True):
    """One node of n8n."""

    name: str
    type: str
    """Without its package: `gmail`, not `n8n-nodes-base.gmail`."""
    version: float
    parameters: Json
    is_disabled: bool
    notes: str
    settings: Json
    """What its tab Settings says, such as `executeOnce` and `onError`."""


class Edge(Struct, frozen=True):
    """An output of a node that leads to another node."""

    source: str
    output: int
    """Counted from 0: of an If, 0 is true and 1 is false."""
    target: str


class Export(Struct, frozen=True):
    """A workflow of n8n."""

    name: str
    nodes: Mapping[str, N8nNode]
    edges: tuple[Edge, ...]
    time_zone: str
    """Of its schedules; empty if the file does not say."""
    helpers: Mapping[str, tuple[str, ...]]
    """The nodes that serve another one, such as the chat model of a chain, by its name."""


def is_export(sent: object) -> bool:
    """Return whether a JSON value is a workflow of n8n, as it is downloaded or as n8n's gallery gives it."""
    return _workflow(sent) is not None


def export(sent: object, file: str) -> Export:
    """Return the workflow in a JSON value; `file` is the name used in problems. Raises InvalidInput."""
    found = _workflow(sent)
    if found is None:
        raise InvalidInput(f"{file} has no `nodes` and `connections`.", remedy=_REMEDY)
    if len(found["nodes"]) > _MOST_NODES:
        raise InvalidInput(f"{file} has {len(found['nodes'])} nodes; {_MOST_NODES} are possible.", remedy="Divide it.")
    nodes: dict[str, N8nNode] = {}
    for number, one in enumerate(found["nodes"]):
        node = _node(one, f"{file}: nodes[{number}]")
        if node.name in nodes:
            raise InvalidInput(f"{file}: two nodes are named {node.name!r}.", remedy="Rename one of them in n8n.")
        nodes[node.name] = node
    edges: list[Edge] = []
    helpers: dict[str, tuple[str, ...]] = {}
    for source, kind, output, target in _links(found["connections"]):
        if source not in nodes or target not in nodes:
            continue  # n8n leaves such links behind when a node is deleted
        if kind == "main":
            edges.append(Edge(source, output, target))
        elif kind != "error":
            helpers[target] = (*helpers.get(target, ()), source)
    name, settings = found.get("name"), found.get("settings")
    zone = settings.get("timezone") if isinstance(settings, Mapping) else None
    named = name if isinstance(name, str) else ""
    return Export(named, nodes, tuple(edges), zone if isinstance(zone, str) and zone != "DEFAULT" else "", helpers)


def objects(found: object) -> list[Json]:
    """Return the objects in a list of a file; nothing if it is no list."""
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _workflow(sent: object) -> Json | None:
    if not isinstance(sent, Mapping):
        return None
    if isinstance(sent.get("nodes"), list) and isinstance(sent.get("connections"), Mapping):
        return sent
    inner = sent.get("workflow")
    return _workflow(inner) if isinstance(inner, Mapping) else None


def _node(one: object, place: str) -> N8nNode:
    if not isinstance(one, Mapping) or not isinstance(one.get("name"), str) or not isinstance(one.get("type"), str):
        raise InvalidInput(f"{place} is not a node with a `name` and a `type`.", remedy=_REMEDY)
    version, parameters = one.get("typeVersion", 1), one.get("parameters", {})
    return N8nNode(
        name=one["name"],
        type=one["type"].rsplit(".", 1)[-1],
        version=float(version) if isinstance(version, int | float) and 0 < version < 1_000 else 1.0,
        parameters=parameters if isinstance(parameters, Mapping) else {},
        is_disabled=one.get("disabled") is True,
        settings={name: one[name] for name in _SETTINGS if one.get(name)},
        notes=one["notes"] if isinstance(one.get("notes"), str) else "",
    )


def _links(connections: Json) -> Iterator[tuple[str, str, int, str]]:
    """Yield (source, kind, output, target) for each link, in the order of the file."""
    for source, kinds in connections.items():
        for kind, outputs in kinds.items() if isinstance(kinds, Mapping) else ():
            for number, links in enumerate(outputs if isinstance(outputs, list) else ()):
                for link in links if isinstance(links, list) else ():
                    if isinstance(link, Mapping) and isinstance(link.get("node"), str):
                        yield source, str(kind), number, link["node"]
