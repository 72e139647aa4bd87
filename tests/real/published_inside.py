"""
Made-up sets in the files of the published ones: a script of the evaluator's toolchain.

    python published_inside.py FOLDER

Writes FOLDER/NAME/... as each set is published, of one to three questions a part, and FOLDER/items.json:
by set and question's id an answer that must be scored right and one that must be scored wrong. A
question's text begins with its id in brackets.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
from evalscope.api.registry import get_benchmark
from evalscope.benchmarks.bbh.bbh_adapter import MULTIPLE_CHOICE_LIST
from evalscope.config import TaskConfig
from PIL import Image

FOLDER = Path(sys.argv[1])
Items = dict[str, tuple[str, str]]
"""By a question's id, what is right and what is wrong."""


def main() -> None:
    """Write all of them."""
    makers = (bbh, cmmlu, ifeval, mmlu, mmmu, ocr_bench, math_vista)
    items = {name: made for maker in makers for name, made in [maker()]}
    (FOLDER / "items.json").write_text(json.dumps(items), encoding="utf-8")


def bbh() -> tuple[str, Items]:
    """JSON files as in the makers' repository."""
    items: Items = {}
    for part, ids in parts("bbh"):
        choice = part in MULTIPLE_CHOICE_LIST
        rows = [{"input": f"[{id}] Which?", "target": "(A)" if choice else "yes"} for id in ids]
        path = placed("BBH/bbh", f"{part}.json")
        path.write_text(json.dumps({"canary": "", "examples": rows}), encoding="utf-8")
        right, wrong = ("(A)", "(B)") if choice else ("yes", "no")
        said = "It is known. So the answer is"
        items |= dict.fromkeys(ids, (f"{said} {right}.", f"{said} {wrong}."))
    return "BBH", items


def cmmlu() -> tuple[str, Items]:
    """CSV files as in the archive on Hugging Face."""
    items: Items = {}
    for part, ids in parts("cmmlu"):
        for split, texts in (("test", [f"[{id}] 哪个？" for id in ids]), ("dev", ["例题？"] * 5)):
            path = placed(f"CMMLU/{split}", f"{part}.csv")
            with path.open("w", newline="", encoding="utf-8") as file:
                lines = csv.writer(file)
                lines.writerow(["", "Question", *"ABCD", "Answer"])
                lines.writerows([n, text, *"甲乙丙丁", "B"] for n, text in enumerate(texts))
        items |= dict.fromkeys(ids, ("想一想。答案：B", "想一想。答案：C"))
    return "CMMLU", items


def ifeval() -> tuple[str, Items]:
    """One file of lines, each with what is checked of the answer."""
    ids = [f"default/{number}" for number in range(20)]
    rows = [
        {
            "key": number,
            "prompt": f"[{id}] Write a sentence without commas.",
            "instruction_id_list": ["punctuation:no_comma"],
            "kwargs": [{}],
        }
        for number, id in enumerate(ids)
    ]
    write_lines(placed("IFEval", "ifeval_input_data.jsonl"), rows)
    return "IFEval", dict.fromkeys(ids, ("There is none in it.", "Here, there is one."))


def mmlu() -> tuple[str, Items]:
    """All subjects in one file."""
    items: Items = {}
    test, dev = [], []
    for part, ids in parts("mmlu"):
        choices = {"subject": part, "choices": ["one", "two", "three", "four"], "answer": 2}
        test += [{"question": f"[{id}] Which?", **choices} for id in ids]
        dev += [{"question": "An example?", **choices}] * 5
        items |= dict.fromkeys(ids, ("I see. ANSWER: C", "I see. ANSWER: D"))
    write_lines(placed("MMLU", "all_test.jsonl"), test)
    write_lines(placed("MMLU", "all_dev.jsonl"), dev)
    return "MMLU", items


def mmmu() -> tuple[str, Items]:
    """A table for each subject; some questions have choices, some are open."""
    items: Items = {}
    for part, ids in parts("mmmu"):
        rows = []
        for number, id in enumerate(ids):
            choice = number % 2 == 0
            rows.append(
                {
                    "id": f"validation_{part}_{number + 1}",
                    "question": f"[{id}] What is in <image 1>?",
                    "options": "['red', 'blue']" if choice else "[]",
                    "explanation": "",
                    "image_1": picture(number),
                    "img_type": "['Pictures']",
                    "answer": "A" if choice else "42",
                    "topic_difficulty": "Easy",
                    "question_type": "multiple-choice" if choice else "open",
                    "subfield": part,
                }
            )
            answers = ("A", "B") if choice else ("42", "17")
            items[id] = (f"I see. ANSWER: {answers[0]}", f"I see. ANSWER: {answers[1]}")
        write_table(placed(f"MMMU/{part}", "validation-00000-of-00001.parquet"), rows)
    return "MMMU", items


def ocr_bench() -> tuple[str, Items]:
    """One table, each row with its kind of text."""
    items: Items = {}
    rows = []
    for part, ids in parts("ocr_bench"):
        kind = {"dataset": "IIIT5K", "question_type": part, "answer": ["CENTRE"]}
        rows += [
            {**kind, "question": f"[{id}] What is written here?", "image": picture(number)}
            for number, id in enumerate(ids)
        ]
        items |= dict.fromkeys(ids, ("It says Centre.", "It says nothing."))
    write_table(placed("OCRBench/data", "test-00000-of-00001.parquet"), rows)
    return "OCRBench", items


def math_vista() -> tuple[str, Items]:
    """One table; figures are compared as mathematics."""
    items: Items = {}
    rows = []
    for number in range(12):
        id, choice = f"default/{number}", number % 2 == 0
        rows.append(
            {
                "pid": str(number),
                "question": f"[{id}] How many?",
                "image": f"images/{number}.jpg",
                "decoded_image": picture(number),
                "choices": ["none", "some"] if choice else None,
                "unit": None,
                "precision": None if choice else 1.0,
                "answer": "some" if choice else "1.2",
                "question_type": "multi_choice" if choice else "free_form",
                "answer_type": "text" if choice else "float",
                "metadata": {"category": "general"},
                "query": "",
            }
        )
        right, wrong = ("ANSWER: B", "ANSWER: A") if choice else ("\\boxed{1.2}", "\\boxed{7}")
        items[id] = (f"I see. {right}", f"I see. {wrong}")
    write_table(placed("MathVista/data", "testmini-00000-of-00001.parquet"), rows)
    return "MathVista", items


def parts(benchmark: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the library's names of a set's parts, with the ids of one to three questions each."""
    task = TaskConfig(
        model="m", datasets=[benchmark], eval_type="openai_api", api_url="http://-/v1"
    )
    for place, part in enumerate(get_benchmark(benchmark, task).subset_list):
        yield part, [f"{part}/{number}" for number in range(1 + place % 3)]


def placed(folder: str, name: str) -> Path:
    """Return a file's path, its folder made."""
    (FOLDER / folder).mkdir(parents=True, exist_ok=True)
    return FOLDER / folder / name


def write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write a JSON object a line."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def write_table(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write a parquet file."""
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)


def picture(number: int) -> dict[str, Any]:
    """Return a small picture as the hubs' tables hold it."""
    content = io.BytesIO()
    Image.new("RGB", (16, 16), (40 * (number % 6), 80, 120)).save(content, "PNG")
    return {"bytes": content.getvalue(), "path": None}


if __name__ == "__main__":
    main()
