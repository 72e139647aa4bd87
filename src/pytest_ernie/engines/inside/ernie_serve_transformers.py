"""
Runs ``transformers serve`` and, once it has loaded a model, writes what each layer's weights truly are.

It looks at the tensors that the running model multiplies with, as ``ernie_inside_vllm`` does in vLLM's
workers; what was asked for on the launch line plays no part. The file that ERNIE_INVENTORY names gets it.

This file is run by the toolchain's interpreter, never by pytest's: it stands alone.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
from pathlib import Path
from typing import Any

TARGET = "ERNIE_INVENTORY"
SERVE = "transformers.cli.transformers"
LAYERS: Any = importlib.import_module("ernie_inside_vllm")
"""Its neighbour in this folder, which both servers have on their path."""


class Linear:
    """A linear layer of PyTorch in the words of vLLM's: what it multiplies by, and how it is probed."""

    def __init__(self, module: Any) -> None:
        self._module = module
        self.named_parameters = module.named_parameters
        self.parameters = module.parameters
        self.input_size_per_partition = module.in_features
        self.output_size_per_partition = module.out_features
        self.quant_method = self

    def apply(self, _: Any, probe: Any) -> Any:
        """Multiply the probe by the layer."""
        return self._module(probe)


def inventory(model: Any) -> dict[str, Any]:
    """Return the types of a loaded model's weights and activations, layer by layer."""
    quantization = getattr(model.config, "quantization_config", None)
    layers = []
    for name, module in model.named_modules():
        probed = Linear(module) if hasattr(module, "in_features") else module
        layer = LAYERS.describe_layer(name, probed, model.dtype)
        if layer is not None:
            layers.append({**layer, "kind": type(module).__name__, "method": "forward"})
    return {
        "dtype": str(model.dtype).removeprefix("torch."),
        "quantization": None if quantization is None else _method(quantization),
        "config": None if quantization is None else _settings(quantization),
        "layers": layers,
    }


def _method(quantization: Any) -> str:
    method = getattr(quantization, "quant_method", "")
    return str(getattr(method, "value", method))


def _settings(quantization: Any) -> str:
    return repr(getattr(quantization, "quant_type", quantization))[:2000]


def write(model: Any, path: Path) -> None:
    """Write the inventory whole or not at all."""
    unfinished = path.with_suffix(".part")
    unfinished.write_text(json.dumps(inventory(model)), encoding="utf-8")
    unfinished.replace(path)


def watch_loading(path: Path) -> None:
    """Have every model that is loaded from now on described in the file."""
    base = importlib.import_module("transformers.modeling_utils").PreTrainedModel
    load = base.from_pretrained.__func__

    def from_pretrained(cls: Any, *arguments: Any, **options: Any) -> Any:
        loaded = load(cls, *arguments, **options)
        write(loaded[0] if isinstance(loaded, tuple) else loaded, path)
        return loaded

    base.from_pretrained = classmethod(from_pretrained)


if __name__ == "__main__":
    watch_loading(Path(os.environ.pop(TARGET)))
    runpy.run_module(SERVE, run_name="__main__", alter_sys=True)
