"""A graph of steps and arrows, drawn by streamlit-agraph."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from streamlit_agraph import Edge, Node

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


def graph(nodes: Sequence[GraphNode], edges: Sequence[GraphEdge], height: int = 480) -> None:
    """Draw the graph, `height` pixels high. When it changes, it is drawn again, back at its first place."""
    from streamlit_agraph import Config, agraph

    config = Config(
        height=height,
        physics=False,
        groups={},  # its default, None, is an error in the browser's console
        interaction={"hover": True, "zoomView": False},  # the page scrolls, not the drawing
    )
    config.width = "100%"  # the constructor takes pixels only
    agraph([_box(one) for one in nodes], [_arrow(one) for one in edges], config)


def _arrow(edge: GraphEdge) -> Edge:
    from streamlit_agraph import Edge

    return Edge(edge.source, edge.target, color=_ARROW, dashes=edge.is_dashed, width=1.5)


def _box(node: GraphNode) -> Node:
    from streamlit_agraph import Node

    lines = [part for line in node.label.split("\n") for part in textwrap.wrap(line, _LABEL_WIDTH) or [""]]
    style: dict[str, Any] = {
        "color": {"background": node.color, "border": node.color, "highlight": {"background": node.color}},
        "font": {"color": _LETTERS, "size": 19, "face": "sans-serif"},
        "shapeProperties": {"borderRadius": 8},
        "margin": 13,
        "borderWidth": 1,
        "borderWidthSelected": 3,
    }
    box = Node(node.id, label="\n".join(lines), shape="box", x=node.x, y=node.y, **style)
    box.title = ""  # else the id is shown as HTML, and opened as an address by a double click
    return box
