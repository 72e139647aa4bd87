"""
A stand-in for evalscope, as far as the suite's script uses it: GSM8K and a set with pictures.

Prompts and scores have the library's shape, not its content: a question is asked as it is after its
examples, and what stands in the last box counts. ``PLANTED`` in an answer makes it fail in that way.
"""

from __future__ import annotations

import re
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

PICTURE = "data:image/png;base64,iVBORw0KGgo="


class TaskConfig:
    """Keeps what it is given."""

    def __init__(self, **given: Any) -> None:
        self.given = given


class DictDataLoader:
    """Rows to samples."""

    def __init__(self, rows: list[dict[str, Any]], sample_fields: Any) -> None:
        self.rows, self.sample_fields = rows, sample_fields

    def load(self) -> list[Any]:
        """Return a sample for each row."""
        return [self.sample_fields(row) for row in self.rows]


class Adapter:
    """Both benchmarks; ``vision`` puts a picture before each question."""

    reformat_subset = False

    def __init__(self, name: str, few_shot: int) -> None:
        self.name, self.few_shot_num = name, few_shot
        self.subset_list = ["main"]
        self._benchmark_meta = SimpleNamespace(evaluation_version="v0")

    def record_to_sample(self, record: dict[str, str]) -> Any:
        """Split the answer at its mark."""
        target = record["answer"].rpartition("####")[2].strip()
        return SimpleNamespace(
            input=record["question"], choices=None, target=target, metadata=record.get("checks")
        )

    def load(self) -> tuple[dict[str, list[Any]], dict[str, list[Any]] | None]:
        """Load every subset, and the examples if there are to be any."""
        test = {name: self.load_subset(name, None) for name in self.subset_list}  # type: ignore[attr-defined]  # the script gives it
        if not self.few_shot_num:
            return test, None
        return test, {name: self.load_fewshot_subset(name, None) for name in self.subset_list}  # type: ignore[attr-defined]  # the script gives it

    def load_dataset(self) -> dict[str, list[Any]]:
        """Load, and write the prompts."""
        test, examples = self.load()
        shown = [f"{s.input}\n{s.target}" for s in (examples or {}).get("main", [])]
        for sample in test["main"]:
            text = "\n\n".join([*shown, sample.input])
            text += "\nPlease reason step by step, and put your final answer within \\boxed{}."
            sample.input = [SimpleNamespace(role="user", content=self._content(text))]
        return test

    def _content(self, text: str) -> Any:
        if self.name != "vision":
            return text
        picture = SimpleNamespace(type="image", image=PICTURE)
        return [picture, SimpleNamespace(type="text", text=text)]

    def calculate_metrics(self, state: Any) -> Any:
        """Compare what stands in the last box."""
        text = state.output.text
        if "PLANTED error" in text:
            raise ValueError("planted")
        if "PLANTED end" in text:
            sys.exit("planted end")
        boxes = re.findall(r"\\boxed\{([^}]*)\}", text)
        extracted = boxes[-1] if boxes else ""
        right = extracted.replace(",", "") == state.sample.target.replace(",", "")
        score = SimpleNamespace(
            extracted_prediction=extracted, status="success", main_value=right, metadata={}
        )
        return SimpleNamespace(score=score)


class ModelOutput:
    """An answer."""

    def __init__(self, content: str) -> None:
        self.text = self.message = content

    @classmethod
    def from_content(cls, model: str, content: str) -> ModelOutput:
        """Return an answer with that text."""
        return cls(content)


def _get_benchmark(name: str, config: TaskConfig) -> Adapter:
    return Adapter(name, config.given["dataset_args"][name]["few_shot_num"])


def _module(name: str, **names: Any) -> None:
    module = ModuleType(f"evalscope.{name}")
    module.__dict__.update(names, __path__=[])
    sys.modules[module.__name__] = module


_module("api")
_module("api.dataset")
_module("api.dataset.loader", DictDataLoader=DictDataLoader)
_module("api.registry", get_benchmark=_get_benchmark)
_module("api.evaluator", TaskState=SimpleNamespace)
_module("api.model", ModelOutput=ModelOutput)
_module("config", TaskConfig=TaskConfig)
_module("constants", ScoreStatus=SimpleNamespace(SUCCESS="success"))
