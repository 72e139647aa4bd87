"""
Runs inside FastDeploy's workers where the site asks for it: says what the loaded weights are.

FastDeploy's own launcher starts the workers, so this comes in as Python's ``sitecustomize``, by
PYTHONPATH. It waits for the module that loads models, looks at each model that was loaded, and writes one
line of JSON to stderr, which is the worker's log. It changes nothing, and whatever goes wrong in it
goes into that line: a worker must not fail because somebody looked.
"""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import sys
from types import ModuleType
from typing import Any

SIGN = "ERNIE-INSIDE "
WORKER = "worker_process.py"
LOADER = "fastdeploy.model_executor.model_loader"
HERE = os.path.dirname(os.path.abspath(__file__))


def describe(model: Any) -> list[dict[str, Any]]:
    """Return name, type in memory, shape and quantization method of each matrix of a model."""
    return [
        {
            "name": f"{name}.{leaf}" if name else leaf,
            "stored": str(parameter.dtype).rpartition(".")[2],
            "shape": [int(size) for size in parameter.shape],
            "method": method_of(layer),
            "by": type(getattr(layer, "quant_method", None)).__name__,
        }
        for name, layer in model.named_sublayers(include_self=True)
        for leaf, parameter in getattr(layer, "_parameters", {}).items()
        if parameter is not None and len(parameter.shape) >= 2
    ]


def method_of(layer: Any) -> str | None:
    """Return what FastDeploy calls the layer's method, None if it has none."""
    method = getattr(layer, "quant_method", None)
    config = getattr(method, "quant_config", None)
    found = getattr(method, "moe_quant_type", None) or getattr(config, "algo", None)
    if found is None and config is not None:
        found = config.name()
    return found if isinstance(found, str) else None


def tell(model: Any) -> None:
    """Write the line."""
    try:
        said: dict[str, Any] = {"layers": describe(model)}
    except Exception as problem:  # the worker goes on, and the line says why nothing is shown
        said = {"problem": f"{type(problem).__name__}: {problem}"}
    sys.stderr.write(f"\n{SIGN}{json.dumps(said)}\n")
    sys.stderr.flush()


def watch(module: ModuleType) -> None:
    """Have each loader that the module hands out tell what it has loaded."""
    original = module.get_model_loader

    def get_model_loader(*args: Any, **kwargs: Any) -> Any:
        loader = original(*args, **kwargs)
        load_model = loader.load_model

        def load_and_tell(*args: Any, **kwargs: Any) -> Any:
            model = load_model(*args, **kwargs)
            tell(model)
            return model

        loader.load_model = load_and_tell
        return loader

    module.get_model_loader = get_model_loader  # type: ignore[attr-defined] # that is the point


class Watcher(importlib.abc.MetaPathFinder):
    """Finds the loaders' module as anybody would, and watches it once it was executed."""

    def find_spec(
        self, fullname: str, path: Any = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return nothing for any other module."""
        if fullname != LOADER:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def execute_and_watch(module: ModuleType) -> None:
            execute(module)
            with contextlib.suppress(AttributeError):
                watch(module)

        spec.loader.exec_module = execute_and_watch  # type: ignore[method-assign] # this spec's only
        return spec


def run_the_environments_own() -> None:
    """Execute the ``sitecustomize`` that this one stands before."""
    others = [folder for folder in sys.path if os.path.abspath(folder) != HERE]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", others)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


if __name__ == "sitecustomize":
    if any(word.endswith(WORKER) for word in sys.orig_argv[:4]):
        sys.meta_path.insert(0, Watcher())
    run_the_environments_own()
