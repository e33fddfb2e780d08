"""Norm folding: a graph as it is deployed, its batch norms part of the layers before them, its weight norms of weights.

At evaluation a batch norm is one affine map per channel, and so are a convolution's or linear layer's outputs in its
weights: gamma / sqrt(variance) goes into these, the rest into the bias, which the layer then has. What is left is a
layer of the same weights and one bias per channel; torch.nn.utils.fuse_conv_bn_eval does the same to modules. The norm
of a filter goes into its weights, as torch.nn.utils.parametrize.remove_parametrizations has it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from convcost.cost.graph import Graph, Node
from convcost.ops import BatchNorm, Conv, ConvTranspose, DepthwiseConv, Linear, Op


def folded(graph: Graph) -> Graph:
    """The graph without weight norms, and without batch norms that alone take what a convolution or linear layer makes.

    A layer that is used again keeps its norms, and so does one whose output is the network's; a batch norm without
    statistics of its own stays, as there is nothing to fold before the batch is there.
    """
    uses = Counter(i for node in graph.nodes for i in node.inputs)
    again = {node.shares for node in graph.nodes}
    nodes: list[Node] = []
    number = {0: 0}  # of each tensor, the one that it becomes
    for i, node in enumerate(graph.nodes):
        before = node.inputs[0] - 1 if len(node.inputs) == 1 else -1
        alone = before >= 0 and uses[before + 1] == 1 and before + 1 not in graph.outputs
        if alone and not {i, before} & again and _folds(graph.nodes[before], node):
            first = nodes[number[before + 1] - 1]
            nodes[number[before + 1] - 1] = first._replace(op=_with_bias(first.op))
            number[i + 1] = number[before + 1]
            continue
        shares = None if node.shares is None else number[node.shares + 1] - 1
        op = node.op.replace(weight_norm=False) if isinstance(node.op, Conv) and node.op.weight_norm else node.op
        nodes.append(node._replace(op=op, inputs=tuple([number[j] for j in node.inputs]), shares=shares))
        number[i + 1] = len(nodes)
    outputs = tuple(number[i] for i in graph.outputs)
    return replace(graph, nodes=tuple(nodes), outputs=outputs)


def _folds(first: Node, norm: Node) -> bool:
    """Whether a batch norm can become part of the layer before it."""
    op = first.op
    over_channels = isinstance(op, (Conv, DepthwiseConv, ConvTranspose)) or (
        isinstance(op, Linear) and op.dim in (None, 1)
    )
    whole = first.counts is None and norm.counts is None and first.shares is None and norm.shares is None
    alike = first.aux == norm.aux and first.repeats == norm.repeats
    return over_channels and whole and alike and isinstance(norm.op, BatchNorm) and norm.op.stats


def _with_bias(op: Op) -> Op:
    """The same operator with a bias."""
    return op.replace(bias=True)
