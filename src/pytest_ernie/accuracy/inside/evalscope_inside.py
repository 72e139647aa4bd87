"""
Prompts and scores of a data set by evalscope: a script that runs in the evaluator's toolchain.

evalscope makes the prompts (few-shot examples included), extracts answers and scores them; asking
is the suite's. Nothing is downloaded: the rows come from files that the job names, whatever
loader the library would use. The job is a JSON file, named on the command line::

    {"do": "prompts", "benchmark": "gsm8k", "few_shot": 4, "seeds": 1, "system_prompts": [],
     "folder": "/data/gsm8k", "files": {"test": "test.jsonl", "train": "train.jsonl"},
     "out": "prompts.jsonl", "facts": "facts.json"}

    {"do": "scores", ... the same ..., "answers": "answers.jsonl", "out": "scores.jsonl"}

``prompts`` writes a line {"id", "group", "seed", "question_digest", "messages"} for each question;
``scores`` reads lines {"id", "answer"} as they come until a line ``end``, and writes {"id", "score",
"extracted", "error"}. ``facts`` says which library, in which version, did it. What is wrong with job
or data ends the script with one line on stderr.
"""

from __future__ import annotations

import csv
import glob
import hashlib
import importlib.metadata
import json
import logging
import os
import shutil
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", TQDM_DISABLE="1")

SCORING_PACKAGES = (
    "evalscope",
    "math-verify",
    "latex2sympy2-extended",
    "sympy",
    "nltk",
    "langdetect",
    "llama-index-core",
)
"""What decides prompts, extraction and scores; their versions must agree on both sides."""
EXPLAINING = ("reasoning", "explanation")
"""Names of what is known of a question and decides no score; copies may differ in it."""
PUNKT = "tokenizers/punkt_tab/english/"
SCORED_WITHIN_TRIES = 3
"""A scoring call has a deadline of the library's own, which a busy machine may miss."""


def rows(job: dict[str, Any], split: str, subset: str) -> Iterator[dict[str, Any]]:
    """Yield the records of a split, of one subset where the files are by subset."""
    pattern = job["files"][split].replace("{subset}", glob.escape(subset))
    paths = sorted(glob.glob(pattern, root_dir=job["folder"]))
    if not paths:
        sys.exit(f"no file {pattern} in {job['folder']}")
    for name in paths:
        path = Path(job["folder"], name)
        try:
            yield from READERS[path.suffix](path)
        except (OSError, ValueError, KeyError) as problem:
            sys.exit(f"{path} can't be read ({type(problem).__name__}: {problem})")


def _jsonl(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines if line.strip())


def _json(path: Path) -> Iterator[dict[str, Any]]:
    content = json.loads(path.read_text(encoding="utf-8"))
    yield from content["examples"] if isinstance(content, dict) else content


def _parquet(path: Path) -> Iterator[dict[str, Any]]:
    import pyarrow.parquet

    for batch in pyarrow.parquet.ParquetFile(path).iter_batches(64):
        yield from batch.to_pylist()


def _csv(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        yield from csv.DictReader(lines)


READERS = {".jsonl": _jsonl, ".json": _json, ".parquet": _parquet, ".csv": _csv}


def cmmlu_record(record: dict[str, Any], subset: str) -> dict[str, Any]:
    """Return a row of the published CSV files in the form that evalscope reads."""
    if "Question" not in record:
        return record
    return {
        "question": record["Question"],
        "choices": [f"({letter}) {record[letter]}" for letter in "ABCD"],
        "answer": f"({record['Answer'].strip()})",
        "category": subset,
    }


def adapter_of(job: dict[str, Any]) -> Any:
    """Return evalscope's adapter of the benchmark, with our rows and its own everything else."""
    from evalscope.api.dataset.loader import DictDataLoader
    from evalscope.api.registry import get_benchmark
    from evalscope.config import TaskConfig

    name = job["benchmark"]
    arguments = {"few_shot_num": job["few_shot"], "local_path": job["folder"]}
    config = TaskConfig(
        model="candidate",
        datasets=[name],
        dataset_args={name: arguments},
        judge_strategy="rule",
        eval_type="openai_api",
        api_url="http://127.0.0.1:9/v1",
    )
    adapter = get_benchmark(name, config)

    def records(split: str, subset: str) -> list[dict[str, Any]]:
        by_subset = "{subset}" in job["files"][split]
        subsets = adapter.subset_list if adapter.reformat_subset and by_subset else [subset]
        found = [(row, each) for each in subsets for row in rows(job, split, each)]
        return [cmmlu_record(row, each) if name == "cmmlu" else row for row, each in found]

    def load_subset(subset: str, data_loader: object) -> Any:
        loaded = records("test", subset)
        return DictDataLoader(loaded, sample_fields=adapter.record_to_sample).load()

    def load_fewshot_subset(subset: str, data_loader: object) -> Any:
        limit = None if adapter.reformat_subset else adapter.few_shot_num
        loaded = records("train", subset)[:limit]
        return DictDataLoader(loaded, sample_fields=adapter.record_to_sample).load()

    adapter.load_subset = load_subset
    adapter.load_fewshot_subset = load_fewshot_subset
    return adapter


def samples_of(adapter: Any) -> Iterator[tuple[str, str, Any, str]]:
    """Yield id, group, sample with its prompt, and the digest of the question alone."""
    digests: dict[int, str] = {}
    load = adapter.load

    def load_and_digest() -> Any:
        test, few_shot = load()
        for _, dataset in test.items():
            for sample in dataset:
                digests[id(sample)] = question_digest(sample)
        return test, few_shot

    adapter.load = load_and_digest
    for group, dataset in adapter.load_dataset().items():
        for number, sample in enumerate(dataset):
            yield f"{group}/{number}", group, sample, digests[id(sample)]


def question_digest(sample: Any) -> str:
    """
    SHA-256 of question, choices, answer and what else scores it, without prompt and few-shot examples.

    What IFEval checks of an answer stands in the metadata only.
    """
    asked = sample.input if isinstance(sample.input, str) else messages_of(sample.input)
    known = [asked, sample.choices, sample.target]
    metadata = without_empty(sample.metadata or {})
    if scoring := {k: v for k, v in metadata.items() if k not in EXPLAINING}:
        known.append(scoring)
    return hashlib.sha256(json.dumps(known, sort_keys=True, default=str).encode()).hexdigest()


def without_empty(value: Any) -> Any:
    """Return the same without names that have no value: parquet files have them, others leave them out."""
    if isinstance(value, dict):
        return {name: without_empty(each) for name, each in value.items() if each is not None}
    return [without_empty(each) for each in value] if isinstance(value, list) else value


def messages_of(messages: list[Any]) -> list[dict[str, Any]]:
    """Return evalscope's messages as the API takes them: text, and images as data URLs."""
    return [{"role": message.role, "content": _content(message.content)} for message in messages]


def _content(content: Any) -> Any:
    if isinstance(content, str):
        return content
    parts = []
    for part in content:
        if part.type == "text":
            parts.append({"type": "text", "text": part.text})
        elif part.type == "image" and part.image.startswith("data:"):
            parts.append({"type": "image_url", "image_url": {"url": part.image}})
        else:
            sys.exit(f"a prompt has a part that can't be sent: {part.type}")
    return parts


def write_prompts(job: dict[str, Any], adapter: Any) -> None:
    """Write every question's messages under every prompt seed."""
    leads = [None, *job["system_prompts"]][: job["seeds"]]
    with Path(job["out"]).open("w", encoding="utf-8") as out:
        for id, group, sample, digest in samples_of(adapter):
            messages = messages_of(sample.input)
            for seed, lead in enumerate(leads):
                lead_in = [{"role": "system", "content": lead}] if lead else []
                line = {
                    "id": f"{id}#{seed}" if seed else id,
                    "group": group,
                    "seed": seed,
                    "question_digest": digest,
                    "messages": lead_in + messages,
                }
                out.write(json.dumps(line, ensure_ascii=False) + "\n")


def write_scores(job: dict[str, Any], adapter: Any) -> None:
    """Write the score of every answer."""
    os.nice(5)  # whoever asks comes first
    samples = {id: sample for id, _, sample, _ in samples_of(adapter)}

    def scored(line: str) -> str:
        answer = json.loads(line)
        sample = samples[answer["id"].partition("#")[0]]
        return json.dumps({"id": answer["id"], **score(adapter, sample, answer["answer"])}) + "\n"

    # Mathematics is compared in a child process for each answer, so threads help; language
    # detection isn't made for them.
    threads = 1 if job["benchmark"] == "ifeval" else min(8, os.cpu_count() or 1)
    with ThreadPoolExecutor(threads) as pool, open(job["out"], "w") as out:
        out.writelines(pool.map(scored, followed(Path(job["answers"]))))


def followed(path: Path) -> Iterator[str]:
    """Yield the lines of a file that grows, until one says that it is the end."""
    unread = ""
    with path.open(encoding="utf-8") as file:
        while True:
            unread += file.read()
            *lines, unread = unread.split("\n")
            for line in lines:
                if line == "end":
                    return
                yield line
            if not lines:
                time.sleep(0.2)


def score(adapter: Any, sample: Any, answer: str) -> dict[str, Any]:
    """Return score and extracted answer; what the library can't score has an error in place."""
    from evalscope.api.evaluator import TaskState
    from evalscope.api.model import ModelOutput
    from evalscope.constants import ScoreStatus

    output = ModelOutput.from_content(model="candidate", content=answer)
    state = TaskState(
        model="candidate",
        sample=sample,
        messages=[*sample.input, output.message],
        output=output,
        completed=True,
    )
    error = "no score"
    for _ in range(SCORED_WITHIN_TRIES):
        try:
            result = adapter.calculate_metrics(state).score
        except Exception as problem:  # a library's bug about one answer mustn't end the others
            error = f"{type(problem).__name__}: {problem}"
            continue
        extracted = str(result.extracted_prediction)
        if result.status == ScoreStatus.SUCCESS and result.main_value is not None:
            return {"score": float(result.main_value), "extracted": extracted, "error": None}
        error = f"{result.status}: {result.metadata or result.explanation}"
    return {"score": None, "extracted": "", "error": f"evalscope can't score it ({error})"[:500]}


def facts_of(adapter: Any) -> dict[str, Any]:
    """Return what decides prompts and scores, for both sides to agree in."""
    versions: dict[str, str | None] = {}
    for name in SCORING_PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = None
    meta = adapter._benchmark_meta
    return {
        "packages": versions,
        "benchmark": adapter.name,
        "benchmark_version": meta.evaluation_version,
        "script_sha256": hashlib.sha256(Path(__file__).read_bytes()).hexdigest(),
    }


def prepare_ifeval(data: Path) -> None:
    """Make its checks repeatable and offline: a fixed seed, and NLTK's data from a package."""
    import langdetect
    import nltk

    langdetect.DetectorFactory.seed = 0  # it draws at random otherwise
    # NLTK's own way to its data is a download; this package carries the part that splits sentences.
    carrier = importlib.metadata.distribution("llama-index-core")
    carried = Path(str(carrier.locate_file("llama_index/core/_static/nltk_cache")))
    # NLTK refuses files with several hard links, and uv installs by hard links.
    shutil.copytree(carried / PUNKT, data / PUNKT, dirs_exist_ok=True)
    nltk.data.path[:] = [str(data)]
    nltk.data.find(PUNKT)


def main() -> None:
    """Do the job."""
    logging.disable(logging.WARNING)
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    if job["benchmark"] == "ifeval":
        prepare_ifeval(Path(job["out"]).parent / "nltk_data")
    adapter = adapter_of(job)
    Path(job["facts"]).write_text(json.dumps(facts_of(adapter)), encoding="utf-8")
    {"prompts": write_prompts, "scores": write_scores}[job["do"]](job, adapter)


if __name__ == "__main__":
    main()
