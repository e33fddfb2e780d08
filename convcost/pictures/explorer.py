"""Model Explorer's JSON: the graph, whose scopes it folds itself, and data to colour it by.

Fields as ai-edge-model-explorer's `graph_builder` and `node_data_builder` have them.
"""

from __future__ import annotations

import json
from typing import Any

from convcost.cost.cost import Cost
from convcost.errors import ConvcostError
from convcost.ops import format_shape
from convcost.pictures.picture import BY, bytes_alive, measured


def graph(cost: Cost) -> str:
    """Every layer, with its costs as attributes and shapes on the tensors."""
    names = ("input", *cost.graph.names)
    nodes: list[dict[str, Any]] = [_node("input", "input", "", [], format_shape(tuple(cost.input)), {})]
    for row, node in zip(cost.rows, cost.graph.nodes, strict=True):
        attributes = {"macs": f"{row.macs:,}", "params": f"{row.params:,}", "activations": f"{row.activations:,}"}
        scope, _, last = row.name.rpartition("/")
        sources = [names[tensor] for tensor in node.inputs]
        nodes.append(_node(row.name, f"{last}: {row.operator}", scope, sources, format_shape(row.shape), attributes))
    return json.dumps({"graphs": [{"id": cost.graph.name, "nodes": nodes}]}, indent=1) + "\n"


def overlay(cost: Cost, by: str) -> str:
    """The macs, params or memory of every layer, to be loaded beside the graph.

    Raises ConvcostError for another word than `BY` has.
    """
    if by not in BY:
        raise ConvcostError(f"a picture is shaded by {', '.join(BY)}, not by {by!r}")
    alive = bytes_alive(cost)
    results = {row.name: {"value": measured([row], alive)[by]} for row in cost.rows}
    gradient = [{"stop": 0, "bgColor": "#f7fbff"}, {"stop": 1, "bgColor": "#4292c6"}]
    return json.dumps({cost.graph.name: {"results": results, "gradient": gradient}}, indent=1) + "\n"


def _node(
    name: str, label: str, scope: str, sources: list[str], shape: str, attributes: dict[str, str]
) -> dict[str, Any]:
    return {
        "id": name,
        "label": label,
        "namespace": scope,
        "attrs": [{"key": key, "value": value} for key, value in attributes.items()],
        "incomingEdges": [
            {"sourceNodeId": source, "sourceNodeOutputId": "0", "targetNodeInputId": str(number)}
            for number, source in enumerate(sources)
        ],
        "outputsMetadata": [{"id": "0", "attrs": [{"key": "shape", "value": shape}]}],
    }
