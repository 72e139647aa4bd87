"""
What a running FastDeploy shows of its weights and activations (R13), from its log and the checkpoint.

    names of matrices      the safetensors headers of the checkpoint that it loaded
    types                  stored as they are used: the headers, with the bits that the checkpoint's own
                           quantization config declares and the engine's log repeats;
                           quantized while loading: the engine's log, which says for experts and for
                           the rest what they become, in releases that do say it
                           what the worker itself shows of its memory, where the site lets it be asked
                           (``inside``), outweighs both
    activations            weight-only: the type that the model computes in;
                           W4A8: a kernel of that name in a trace, since a config proves no kernel

What none of these shows is ``unknown``, and what would show it is said.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from pytest_ernie.engines.asking import ready
from pytest_ernie.engines.checkpoint import WORDS, read_header
from pytest_ernie.engines.protocol import Launch, ServedFacts
from pytest_ernie.errors import EngineError

if TYPE_CHECKING:
    from pytest_ernie.engines.lifecycle.started import StartedServer

TYPES: dict[str, str] = {
    "wint8": "int8",
    "weight_only_int8": "int8",
    "w8a8": "int8",
    "wint4": "int4",
    "weight_only_int4": "int4",
    "w4a8": "int4",
    "wint2": "int2",
    "w4afp8": "int4",
    "wfp8afp8": "float8_e4m3fn",
    "block_wise_fp8": "float8_e4m3fn",
    "tensor_wise_fp8": "float8_e4m3fn",
}
"""FastDeploy's names of methods -> type of the weights."""
WEIGHT_ONLY = ("wint8", "wint4", "wint2", "weight_only_int8", "weight_only_int4")
UNQUANTIZED = "w16a16"
"""FastDeploy's word for experts that aren't quantized."""
KEPT = ("embed", "lm_head", "norm", "gate.", "router", "vision", "resampler")
"""Parts of the names of matrices that FastDeploy quantizes in no method; of an expert's after that word."""
NO_MATRIX = re.compile(r"(bias|_scale|scales|zeros|_zero_point|activation_scale|smooth|shift)$")
STORED = ("I8", "U8", "I32")
"""Containers of quantized weights."""

PREFIX = re.compile(r"^.*?\[line:\d+\]\s*")
BEGINS = "===quantization_config==="
OFFLINE = "Model Status: Offline Quantized"
ONLINE = "Model Status: Original"
METHOD = re.compile(r"^Quantization Method: (\w+)$")
NOTHING = "No quantization config found"
KERNEL = re.compile(r"\b\w*(?:gemm|kernel)\w*w4a8\w*|\b\w*w4a8\w*(?:gemm|kernel)\w*", re.IGNORECASE)
TROUBLE = re.compile(
    r"\b(no|not|cannot|can't|without|unable|missing|unsupported|disabled?|skip\w*|fail\w*|fall\w*"
    r"|import\w*|warn\w*|error|errors|\w+Error)\b",
    re.IGNORECASE,
)
EVIDENCE = re.compile(
    r"quantization_config|Model Status:|Quantization Method|No quantization config|'quantization'"
    r"|Launch worker service command|quantization *:"
)
EVIDENCE_LINES = 24
LINE_CHARACTERS = 1500

INSIDE = re.compile(r"^ERNIE-INSIDE (\{.*\})$", re.MULTILINE)
"""What ``inside`` writes into a worker's log."""
REVEAL_TYPES = (
    "This FastDeploy says that it quantizes while loading, not into what: reveal = true under "
    "[engine] looks at the weights inside its workers; or serve weights that are quantized already "
    '([models."NAME".serving.TYPE] checkpoint), whose headers show it'
)
REVEAL_KERNEL = (
    "Let the vendor's profiler write the names of the kernels as text into a file whose name holds "
    "'trace', in the folder of FD_LOG_DIR: a W4A8 kernel among them is what is looked for"
)


class Said(Struct, frozen=True, kw_only=True):
    """What one worker says of its quantization; the methods are None where it doesn't say."""

    stored: bool
    """The weights are quantized in the checkpoint already."""
    dense: str | None
    experts: str | None
    """``none``: not quantized."""

    @property
    def shown(self) -> bool:
        """Both methods are said."""
        return self.dense is not None and self.experts is not None


def collect(
    server: StartedServer,
    *,
    launch: Launch,
    config: Mapping[str, Any],
    version: str,
    environment: dict[str, str],
) -> ServedFacts:
    """Return what is known of a server that has just got ready; EngineError if it doesn't answer."""
    texts = server.logs.texts().values()
    said = agreed(saying for text in texts for saying in sayings(text, config))
    types = layer_types(checkpoint_types(Path(launch.checkpoint)), said)
    if inside := seen_inside(texts, workers=launch.tensor_parallel):
        types, said = types_inside(inside), said_inside(inside)
    kernels = w4a8_kernels(texts)
    activation = activation_of(said, config, kernels)
    return ServedFacts(
        engine_version=version,
        command=server.command,
        environment=environment,
        window=ready.listed_window(
            ready.listed_models(server.base_url, server.api_key), server.model
        ),
        datatype_reported=reported(said),
        layer_types=types,
        activation=activation,
        log_evidence=(*log_lines(texts), *inside_lines(inside), *kernels),
        to_reveal=to_reveal(types, activation, said),
    )


def sayings(log: str, config: Mapping[str, Any]) -> list[Said]:
    """
    Return every statement about quantization in a log, one for each worker that wrote it.

    The line after the model's status is the config: as a whole, or None where the engine keeps what
    the flag asked for to itself. A checkpoint's own config is then the one that holds.
    """
    lines = [PREFIX.sub("", line).strip() for line in log.splitlines()]
    found: list[Said] = []
    for number, line in enumerate(lines):
        if BEGINS not in line:
            continue
        following = lines[number + 1 : number + 4]
        if any(NOTHING in each for each in following):
            found.append(Said(stored=False, dense="none", experts="none"))
            continue
        stored = any(OFFLINE in each for each in following)
        methods = next((m for each in following if (m := _methods(each))), None)
        if methods is None and stored:
            methods = _of_config(dict(config.get("quantization_config") or {}))
        dense, experts = methods or (None, None)
        found.append(Said(stored=stored, dense=dense, experts=experts))
    return found


def agreed(sayings: Iterable[Said]) -> Said | None:
    """Return what all workers say; None if none says anything, or they contradict each other."""
    different = set(sayings)
    return different.pop() if len(different) == 1 else None


def checkpoint_types(checkpoint: Path) -> dict[str, str]:
    """
    Return each matrix of a checkpoint with its type in the header, parts of several ranks as one.

    EngineError if there are no safetensors weights, or a header can't be read.
    """
    types: dict[str, str] = {}
    for path in sorted(checkpoint.rglob("*.safetensors")):
        for name, dtype, shape in read_header(path):
            if len(shape) >= 2 and not NO_MATRIX.search(name):
                known = types.setdefault(name, dtype)
                types[name] = known if known == dtype else "mixed"
    if not types:
        raise EngineError(
            "no weights here", where=checkpoint, wanted="*.safetensors with at least one matrix"
        )
    return types


def layer_types(stored: Mapping[str, str], said: Said | None) -> dict[str, str]:
    """
    Return each matrix's type as it is computed with, from its header's and what the engine says.
    """
    return {name: _type(name, dtype, said) for name, dtype in stored.items()}


def _type(name: str, dtype: str, said: Said | None) -> str:
    own = WORDS.get(dtype, "unknown")
    if any(part in name.rpartition("experts")[2] for part in KEPT) and dtype not in STORED:
        return own
    if said is None:
        return "unknown"
    method = said.experts if _is_expert(name) else said.dense
    if method == "none":
        return own
    if method is None:
        return "unknown"
    type = TYPES.get(method, "unknown")
    if dtype in STORED:
        # A byte holds one 8-bit weight or two of 4 bits; a checkpoint that isn't said to be
        # quantized but holds integers is nothing that can be named.
        return type if said.stored and type.startswith("int") else "unknown"
    if own.startswith("float8"):
        return own
    return type if own in ("bfloat16", "float16", "float32") else "unknown"


def activation_of(
    said: Said | None, config: Mapping[str, Any], kernels: tuple[str, ...]
) -> str | None:
    """Return the type of the quantized layers' activations, None where nothing proves one."""
    if said is None or not said.shown:
        return None
    methods = {said.dense, said.experts} - {"none"}
    if "w4a8" in methods:
        return "int8" if kernels else None
    if methods <= set(WEIGHT_ONLY):
        computed = config.get("dtype") or config.get("torch_dtype")
        return computed if isinstance(computed, str) else None
    return None


def w4a8_kernels(texts: Iterable[str]) -> tuple[str, ...]:
    """
    Return the names of W4A8 kernels in logs and traces, each once.

    A line that tells of trouble names what didn't run as well as what did, and proves neither.
    """
    found = (
        match[0]
        for text in texts
        for match in KERNEL.finditer(text)
        if not TROUBLE.search(_line_around(text, match))
    )
    return tuple(dict.fromkeys(found))


def _line_around(text: str, match: re.Match[str]) -> str:
    start = text.rfind("\n", 0, match.start()) + 1
    return text[start : (text + "\n").index("\n", match.end())]


class Matrix(Struct, frozen=True, kw_only=True):
    """A matrix in a worker's memory."""

    name: str
    stored: str
    """Type of its elements in memory; two 4-bit weights share an ``int8``."""
    shape: tuple[int, ...]
    method: str | None
    by: str
    """Class of FastDeploy's that computes with it."""


class _Told(Struct, frozen=True, kw_only=True):
    layers: tuple[Matrix, ...] = ()
    problem: str = ""


def seen_inside(texts: Iterable[str], *, workers: int) -> tuple[Matrix, ...]:
    """
    Return the matrices that the workers show, of all of them together; none unless every worker does.
    """
    told: list[_Told] = []
    for text in texts:
        for match in INSIDE.finditer(text):
            try:
                told.append(msgspec.json.decode(match[1], type=_Told))
            except msgspec.DecodeError:
                return ()  # a line that was cut shows half a model
    if len(told) < workers or any(each.problem or not each.layers for each in told):
        return ()
    return tuple(
        matrix for each in told for matrix in each.layers if not NO_MATRIX.search(matrix.name)
    )


def types_inside(matrices: Iterable[Matrix]) -> dict[str, str]:
    """Return each matrix's type; where workers have different ones, both."""
    types: dict[str, str] = {}
    for matrix in matrices:
        type = _in_memory(matrix)
        known = types.setdefault(matrix.name, type)
        if type not in known.split(" and "):
            types[matrix.name] = f"{known} and {type}"
    return types


def said_inside(matrices: Iterable[Matrix]) -> Said:
    """Return the methods of experts and of the rest; one that differs among them is hidden."""
    methods: dict[bool, set[str]] = {True: set(), False: set()}
    for matrix in matrices:
        if matrix.method not in (None, UNQUANTIZED):
            methods[_is_expert(matrix.name)].add(str(matrix.method).lower())
    dense, experts = (
        ("none" if not found else found.pop() if len(found) == 1 else None)
        for found in (methods[False], methods[True])
    )
    return Said(stored=False, dense=dense, experts=experts)


def inside_lines(matrices: Iterable[Matrix]) -> tuple[str, ...]:
    """Return a line for each kind of matrix that was seen."""
    kinds: dict[str, list[str]] = {}
    for matrix in matrices:
        line = f"{matrix.stored} by {matrix.by} ({matrix.method or 'no method'})"
        kinds.setdefault(line, []).append(matrix.name)
    return tuple(f"{names[0]} (x{len(names)}): {line}" for line, names in kinds.items())


def _in_memory(matrix: Matrix) -> str:
    if matrix.stored not in ("int8", "uint8", "int32"):
        return matrix.stored  # whatever the method says: this is what is computed with
    type = TYPES.get((matrix.method or "").lower(), "unknown")
    return type if type.startswith("int") else "unknown"


def reported(said: Said | None) -> str | None:
    """Return the data type by the engine's own words, in the standard's where it has one."""
    if said is None or not said.shown:
        return None
    short = {"weight_only_int8": "wint8", "weight_only_int4": "wint4", "none": "bf16"}
    method = str(said.dense if said.experts == "none" else said.experts)
    return short.get(method, method)


def log_lines(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the lines that tell how the engine was configured, each once."""
    telling = [
        PREFIX.sub("", line).strip()[:LINE_CHARACTERS]
        for text in texts
        for line in text.splitlines()
        if EVIDENCE.search(line)
    ]
    return tuple(dict.fromkeys(telling))[:EVIDENCE_LINES]


def to_reveal(types: Mapping[str, str], activation: str | None, said: Said | None) -> str | None:
    """Return what would show what is hidden, None if nothing is."""
    if "unknown" in types.values():
        return REVEAL_TYPES
    w4a8 = said is not None and "w4a8" in (said.dense, said.experts)
    return REVEAL_KERNEL if activation is None and w4a8 else None


def _methods(line: str) -> tuple[str | None, str | None] | None:
    """Return the methods of dense layers and of experts in a line, None if it has none."""
    if match := METHOD.match(line):
        # Of an ERNIE 4.5 wint4 means experts only, and the line doesn't say so.
        return (None, "wint4") if match[1] == "wint4" else (match[1], match[1])
    if not line.startswith("{"):
        return None
    try:
        said = ast.literal_eval(line)
    except (ValueError, SyntaxError):
        return None
    return _of_config(said) if isinstance(said, dict) else None


def _of_config(said: Mapping[str, Any]) -> tuple[str | None, str | None] | None:
    name = said.get("quantization")
    dense, experts = said.get("dense_quant_type"), said.get("moe_quant_type")
    if name == "mix_quant" or dense or experts:
        return (_word(dense), _word(experts))
    return (_word(name), _word(name)) if name else None


def _word(method: object) -> str | None:
    return method.lower() if isinstance(method, str) else None


def _is_expert(name: str) -> bool:
    return "experts" in name and "shared" not in name
