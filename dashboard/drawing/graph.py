"""A graph of steps and arrows, drawn by streamlit-agraph so that it keeps zoom and selection over reruns."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamlit.components.v1.custom_component import CustomComponent

_LABEL_WIDTH = 26
_ARROW = "#9aa3b2"
_LETTERS = "#ffffff"


@dataclass(frozen=True)
class GraphNode:
    """A box: `label` may have several lines, `color` is its fill (under white letters), `x` and `y` are its centre."""

    id: str
    label: str
    color: str
    x: float
    y: float


@dataclass(frozen=True)
class GraphEdge:
    """An arrow; dashed if it is followed only under a condition."""

    source: str
    target: str
    is_dashed: bool = False


def graph(nodes: Sequence[GraphNode], edges: Sequence[GraphEdge], key: str, height: int = 480) -> str | None:
    """Draw the graph, and return the id of the clicked box."""
    config = {
        "width": "100%",
        "height": f"{height}px",
        "physics": {"enabled": False},
        "interaction": {"hover": True, "zoomView": False},  # the page scrolls, not the drawing
    }
    data = {"nodes": [_box(one) for one in nodes], "edges": [_arrow(one) for one in edges]}
    clicked = _component()(data=json.dumps(data), config=json.dumps(config), key=key)
    return clicked if isinstance(clicked, str) else None


@cache
def _component() -> CustomComponent:
    """Return the component, declared once.

    The package's own `agraph()` takes no key and is rebuilt at every change, losing zoom and selection; so only its
    frontend is used, with the messages of the pinned release.
    """
    from streamlit.components.v1 import declare_component

    package = find_spec("streamlit_agraph")
    assert package is not None
    assert package.origin is not None
    return declare_component("agraph", path=Path(package.origin).parent / "frontend" / "build")


def _arrow(edge: GraphEdge) -> dict[str, object]:
    return {"from": edge.source, "to": edge.target, "color": _ARROW, "dashes": edge.is_dashed, "width": 1.5}


def _box(node: GraphNode) -> dict[str, object]:
    lines = [part for line in node.label.split("\n") for part in textwrap.wrap(line, _LABEL_WIDTH) or [""]]
    label = "\n".join(lines)
    return {
        "id": node.id,
        "label": label,
        "shape": "box",
        "color": {"background": node.color, "border": node.color, "highlight": {"background": node.color}},
        "font": {"color": _LETTERS, "size": 19, "face": "sans-serif"},
        "shapeProperties": {"borderRadius": 8},
        "margin": 13,
        "borderWidth": 1,
        "borderWidthSelected": 3,
        "x": node.x,
        "y": node.y,
    }
