"""The models of keras.applications as JSON; run in a process of its own, for Keras picks its backend on import.

    KERAS_BACKEND=torch python keras_models.py '{"MobileNet": ["MobileNet", {"alpha": 0.5}]}'

prints, by the given names, a model's input shape, its count_params(), and of every layer that has weights its class,
the shapes of its weights by name, and its output shape.
"""

from __future__ import annotations

import gc
import json
import sys
from typing import Any

import keras
from keras.src.applications.nasnet import NASNet

NASNET_MOBILE = {
    "input_shape": (224, 224, 3),
    "default_size": 224,
    "penultimate_filters": 1056,
    "num_blocks": 4,
    "stem_block_filters": 32,
    "skip_reduction": False,
    "filter_multiplier": 2,
}
"""What keras.applications.NASNetMobile gives its constructor; with the torch backend it refuses to."""


def build(model: str, arguments: dict[str, Any]) -> Any:
    # Outside of this scope every weight would be drawn at random: 4 GB, and most of the time.
    with keras.StatelessScope(initialize_variables=False):
        if model == "NASNetMobile":
            return NASNet(weights=None, **NASNET_MOBILE)
        return getattr(keras.applications, model)(weights=None, **arguments)


def describe(model: Any) -> dict[str, Any]:
    layers = [
        (type(layer).__name__, {weight.name: tuple(weight.shape) for weight in layer.weights}, layer.output.shape)
        for layer in model.layers
        if layer.weights
    ]
    return {"input": model.input_shape, "count_params": model.count_params(), "layers": layers}


if __name__ == "__main__":
    gc.disable()  # it would walk the layers of all models, over and over
    asked: dict[str, tuple[str, dict[str, Any]]] = json.loads(sys.argv[1])
    sys.stdout.write(json.dumps({name: describe(build(*of)) for name, of in asked.items()}))
