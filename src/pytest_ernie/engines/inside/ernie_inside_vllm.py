"""
Runs inside vLLM's worker processes: says what each layer's weights and activations truly are.

The adapter names ``Inside`` as the worker's extension class and calls it over HTTP once the server
is ready. It looks at the tensors that the running model multiplies with and watches, operation by
operation, what a layer does with a probe input. What was asked for on the launch line plays no
part, so a server that quietly ignored its quantization flag is seen.

This file is imported by the toolchain's interpreter, never by pytest's: it stands alone.
"""

from __future__ import annotations

import importlib
import json
from typing import Any

PROBE_TOKENS = 7
"""Rows of the probe input: prime, so that no weight has as many elements by accident."""

FUSED_INT8_ACTIVATION = (
    "_dyn_quant_matmul_4bit",
    "int4_scaled_mm_cpu",
    "da8w4_linear_cpu",
    "int8_scaled_mm_with_quant",
)
"""Kernels that quantize the activation to int8 inside one operation, so that no tensor shows it."""

NO_WEIGHTS = ("scale", "zero", "_shape", "g_idx", "comp", "bias", "qzeros")
"""Marks in the names of tensors that belong to a quantized weight but hold none of its values."""


class Inside:
    """Extension of vLLM's worker; the long method name can't collide with one of the worker's."""

    def ernie_inventory(self) -> str:
        """Return the inventory of this worker's model as JSON."""
        worker: Any = self
        config = worker.vllm_config
        quantization = getattr(config, "quant_config", None)
        layers = [
            layer
            for name, module in worker.get_model().named_modules()
            if (layer := describe_layer(name, module, config.model_config.dtype)) is not None
        ]
        return json.dumps(
            {
                "dtype": _word(config.model_config.dtype),
                "quantization": config.model_config.quantization,
                "config": None if quantization is None else repr(quantization)[:2000],
                "layers": layers,
            }
        )


def describe_layer(name: str, module: Any, dtype: Any) -> dict[str, Any] | None:
    """Describe a module that multiplies by a weight matrix of its own; None for any other."""
    own = dict(module.named_parameters(recurse=False))
    matrices = [value for value in own.values() if value.dim() >= 2]
    if not matrices and not (own and getattr(module, "input_size_per_partition", None)):
        return None
    leaves = {leaf: tensor for key, value in own.items() for leaf, tensor in _leaves(key, value)}
    weights = [tensor for leaf, tensor in leaves.items() if not any(m in leaf for m in NO_WEIGHTS)]
    weight = max(weights, key=lambda tensor: tensor.numel() * tensor.element_size(), default=None)
    watched = _watch(module, dtype)
    elements = _elements(module, matrices)
    if weight is not None and weight.numel() == 0:  # the engine keeps its own packed copy only
        kind = _multiplied_by(watched.get("operations", []), elements)
    else:
        kind = _weight_type(weight, elements, matrices)
    return {
        "name": name,
        "kind": type(module).__name__,
        "method": type(getattr(module, "quant_method", None)).__name__,
        "weight": kind,
        "stored": {leaf: [_word(t.dtype), list(t.shape)] for leaf, t in leaves.items()},
        **watched,
    }


def _leaves(name: str, tensor: Any) -> list[tuple[str, Any]]:
    """The plain tensors that a parameter consists of (a quantized one is several)."""
    data = tensor.data if type(tensor).__name__ == "Parameter" else tensor
    flatten = getattr(data, "__tensor_flatten__", None)
    if flatten is None:
        return [(name, data)]
    inner, _ = flatten()
    return [leaf for key in inner for leaf in _leaves(f"{name}.{key}", getattr(data, key))]


def _elements(module: Any, matrices: list[Any]) -> int:
    """How many weights the layer has, whatever they are packed into."""
    columns = getattr(module, "input_size_per_partition", None)
    rows = getattr(module, "output_size_per_partition", None)
    if columns and rows:
        return int(columns) * int(rows)
    return max(int(value.numel()) for value in matrices)


def _multiplied_by(seen: list[list[Any]], elements: int) -> str:
    """The type of the operand that is as large as the weight, if the probe met a floating one."""
    words = [word for _, inputs, _ in seen for word, count in inputs if count >= elements]
    return words[0] if words and "int" not in words[0] else "unknown"


def _weight_type(stored: Any, elements: int, matrices: list[Any]) -> str:
    """
    The type of a weight by what is stored: float types by name, integers by bits per weight.

    An 8-bit container holds a 4-bit weight if the quantizer says so and every value fits 4 bits.
    """
    if stored is None:
        return "unknown"
    if stored.dtype.is_floating_point:
        return _word(stored.dtype)
    bits = stored.numel() * stored.element_size() * 8 / elements
    target = str(getattr(matrices[0], "target_dtype", ""))
    if bits == 8 and target.endswith("int4"):
        fits = int(stored.min()) >= -8 and int(stored.max()) <= 7
        return "int4" if fits else "int8"
    return f"int{bits:g}" if bits in (1, 2, 3, 4, 8, 16) else f"unknown ({bits:g} bits per weight)"


def _watch(module: Any, dtype: Any) -> dict[str, Any]:
    """Multiply a probe input by the layer; return the type its activation took, and the steps."""
    columns = getattr(module, "input_size_per_partition", None)
    method: Any = getattr(module, "quant_method", None)
    if not columns or not hasattr(method, "apply"):
        return {}
    torch = importlib.import_module("torch")
    device = next(module.parameters()).device
    probe = torch.linspace(-1, 1, PROBE_TOKENS * columns, device=device, dtype=torch.float32)
    probe = probe.reshape(PROBE_TOKENS, columns).to(dtype)
    try:
        with torch.inference_mode(), _recorder(torch) as seen:
            method.apply(module, probe)
    except Exception as problem:  # a layer that can't be probed alone is no evidence, not an error
        return {"probe_error": f"{type(problem).__name__}: {problem}"[:300]}
    return {"activation": _activation(seen, PROBE_TOKENS * columns, dtype), "operations": seen}


def _activation(seen: list[list[Any]], elements: int, dtype: Any) -> str:
    for operation, _, outputs in seen:
        if any(kernel in operation for kernel in FUSED_INT8_ACTIVATION):
            return "int8"
        for word, count in outputs:
            if count == elements and word in ("int8", "uint8", "float8_e4m3fn"):
                return "int8" if word == "uint8" else str(word)
    return _word(dtype)


def _recorder(torch: Any) -> Any:
    """A context that collects [operation, [[input type, elements], ..], [[output type, ..]]]."""
    mode = importlib.import_module("torch.utils._python_dispatch").TorchDispatchMode
    seen: list[list[Any]] = []

    class Recorder(mode):  # type: ignore[misc, valid-type]  # a class that torch has only in the server
        def __enter__(self) -> Any:
            super().__enter__()
            return seen

        def __torch_dispatch__(
            self, operation: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            result = operation(*args, **(kwargs or {}))
            several = result if isinstance(result, (tuple, list)) else (result,)
            outputs = [
                [_word(t.dtype), int(t.numel())] for t in several if isinstance(t, torch.Tensor)
            ]
            inputs = [[_word(t.dtype), int(t.numel())] for t in args if isinstance(t, torch.Tensor)]
            seen.append([str(operation), inputs, outputs])
            return result

    return Recorder()


def _word(dtype: Any) -> str:
    return str(dtype).removeprefix("torch.")
