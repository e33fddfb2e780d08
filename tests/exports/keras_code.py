"""Run Keras code of ours with the weights of its torch model; in a process of its own, as Keras picks its backend once.

    KERAS_BACKEND=torch python keras_code.py 'resnet18 3x64x64'

prints, of each, the parameters that are trained, those that are counted, how far the outputs of the last layer that
multiplies are from torch's at most, as a share of their spread, and that.
"""

import sys

import keras
import numpy as np
import torch

from convcost.errors import unwarned
from convcost.exports import export
from convcost.exports.torchcode import attributes
from convcost.network import load
from convcost.torchbridge.module import TorchModel


def main(name: str, size: str) -> None:
    with unwarned():
        cost = load(name).price(size)
    scope: dict[str, object] = {}
    exec(compile(export(cost, "keras"), "network.py", "exec"), scope)  # noqa: S102  # what we have just written
    made, model = scope["network"](), TorchModel(cost.graph, cost.input)
    generator = torch.Generator().manual_seed(0)
    for values in (*model.parameters(), *(one for one in model.buffers() if one.dtype.is_floating_point)):
        fan = values[0].numel() if values.dim() > 1 else 1  # so that maps neither vanish nor overflow
        drawn = torch.rand(values.shape, generator=generator)
        values.data = (drawn - 0.4) * 3 / fan**0.5 if values.dim() > 1 else drawn + 0.5
    for node_name, attribute in attributes(cost).items():
        if attribute not in {layer.name for layer in made.layers}:
            continue
        layer, state = made.get_layer(attribute), model.get_submodule(model.paths[node_name]).state_dict()
        if not layer.weights:
            continue
        of = {key: value.numpy() for key, value in state.items()}
        kernel = of.get("weight")
        if kernel is not None and kernel.ndim == 4:
            depthwise = type(layer).__name__ == "DepthwiseConv2D"
            shape = (layer.weights[0].shape[2], -1, *kernel.shape[2:])
            of["weight"] = kernel.reshape(shape).transpose(2, 3, 0, 1) if depthwise else kernel.transpose(2, 3, 1, 0)
        elif kernel is not None and kernel.ndim == 2:
            of["weight"] = kernel.T
        order = ("weight", "bias", "running_mean", "running_var")
        layer.set_weights([of[key] for key in order if key in of])
    x = torch.rand(2, *cost.input, generator=generator)
    # Of the last layer that multiplies: behind a softmax all would be 0 and 1.
    last = [row.name for row in cost.rows if row.op is not None and row.op.multiplies and not row.aux][-1]
    seen: list[torch.Tensor] = []
    model.get_submodule(model.paths[last]).register_forward_hook(lambda *given: seen.append(given[-1]))
    made = keras.Model(made.inputs, made.get_layer(attributes(cost)[last]).output)
    with torch.inference_mode():
        model(x)
        wanted = seen[0].numpy()
        found = made(x.permute(0, 2, 3, 1).contiguous(), training=False).detach().cpu().numpy()
    if found.ndim == 4:
        found = found.transpose(0, 3, 1, 2)
    trained = sum(int(np.prod(weight.shape)) for weight in made.trainable_weights)
    spread = float(wanted.max() - wanted.min())  # of outputs that are all alike any two are equal
    apart = float(np.abs(found - wanted).max()) / spread if spread else np.inf
    sys.stdout.write(f"{trained} {cost.total.params} {apart} {spread}\n")


for one in sys.argv[1:]:
    main(*one.split())
