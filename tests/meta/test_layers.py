"""
The house: imports only go down, nothing heavy is imported, and no file outgrows a screen or ten.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "pytest_ernie"
PACKAGE = "pytest_ernie"

LAYERS = (
    ("errors", "progress", "challenge"),
    ("standard",),
    ("verdicts",),
    ("evidence",),
    (
        "engines",
        "trainers",
        "load",
        "accuracy",
        "toolchains",
        "devices",
        "leases",
        "rehearsal",
        "site",
    ),
    ("measurements",),
    ("comparison", "paired_answers", "questions"),
    (
        "plugin",
        "fixtures",
        "session",
        "outcomes",
        "clauses",
        "options",
        "settings",
        "registry",
        "hookspecs",
        "planned",
        "rough_hours",
        "shards",
        "shard_plans",
        "merge_command",
        "certificate_command",
        "slurm",
        "audit",
        "preflight",
        "launch_command",
        "launch_training",
        "report",
        "scheduling",
        "workers",
        "bundles",
        "proof",
        "cli",
    ),
    ("conformance",),
)
"""From the ground up: a module may import its own layer and any below it."""

ONLY: dict[str, set[str]] = {
    "errors": set(),
    "progress": set(),
    "challenge": {"errors"},
    "standard": {"errors"},
    "verdicts": {"standard"},
    "evidence": {"errors", "standard"},
    "devices": {"errors"},
    "site": {"errors", "standard"},
}
"""What these may import of the package, and nothing else."""

LISTED: dict[tuple[str, str], str] = {
    ("report", "measurements"): "function-level: reads what is recorded, and measures nothing",
}
"""Imports inside functions that go up, or from the report to measurements, each with its reason."""

HEAVY = {
    "paddle",
    "paddleformers",
    "erniekit",
    "torch",
    "vllm",
    "transformers",
    "fastdeploy",
    "evalscope",
}
INSIDE = {
    "accuracy/inside/evalscope_inside.py": "runs inside the evaluator's toolchain",
    **{
        path.relative_to(SOURCE).as_posix(): "runs inside a trainer's toolchain"
        for path in sorted((SOURCE / "trainers" / "inside").rglob("*.py"))
    },
    "engines/inside/ernie_inside_vllm.py": "runs inside the server's toolchain",
    "engines/fastdeploy/inside/sitecustomize.py": "runs inside FastDeploy's workers",
    "proof/inside/sitecustomize.py": "runs inside a server with a planted fault",
    "proof/inside/weights.py": "runs inside an environment with torch and torchao",
    "rehearsal/make_tokenizer.py": "maintainers make the shipped checkpoint with it",
    "rehearsal/train_base.py": "maintainers make the shipped checkpoint with it",
}
"""Scripts that other environments run: the pytest process never imports them."""


class Import(NamedTuple):
    """One import statement: who, what, and whether it runs when the module is imported."""

    module: str
    imported: str
    at_import: bool
    place: str


def files(*folders: Path) -> list[Path]:
    """Every Python file below the folders."""
    return sorted(
        path
        for folder in folders
        for path in folder.rglob("*.py")
        if "__pycache__" not in path.parts
    )


def is_type_checking(node: ast.AST) -> bool:
    """Tell whether a node is ``if TYPE_CHECKING:``."""
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def imports_of(path: Path, module: str) -> Iterator[Import]:
    """Yield every import of a file, without those for type checkers only."""
    relative = path.relative_to(ROOT).as_posix()

    def walk(node: ast.AST, at_import: bool) -> Iterator[Import]:
        if is_type_checking(node):
            assert isinstance(node, ast.If)
            for child in node.orelse:
                yield from walk(child, at_import)
            return
        inside = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
            parts = base[: len(base) - node.level + 1] if node.level else []
            start = ".".join([*parts, *([node.module] if node.module else [])])
            names = [start]
            if start == PACKAGE:
                names = [f"{start}.{alias.name}" for alias in node.names]
        for name in names:
            yield Import(module, name, at_import, f"{relative}:{node.lineno}")  # type: ignore[attr-defined]  # ast nodes that import have a lineno
        for child in ast.iter_child_nodes(node):
            yield from walk(child, at_import and not inside)

    yield from walk(ast.parse(path.read_text(encoding="utf-8")), True)


def module_of(path: Path) -> str:
    """Name the module of a file: pytest_ernie.evidence.store, or conformance.test_training."""
    base = SOURCE.parent if SOURCE in path.parents else ROOT
    parts = path.relative_to(base).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def part(module: str) -> str:
    """Return the part of the house that a module belongs to; empty for the package itself."""
    if module.split(".")[0] != PACKAGE:
        return module.split(".")[0]
    return ([*module.split("."), ""])[1]


HOUSE = [
    found
    for path in files(SOURCE, ROOT / "conformance")
    if path.relative_to(SOURCE if SOURCE in path.parents else ROOT).as_posix() not in INSIDE
    for found in imports_of(path, module_of(path))
]
OWN = [
    found
    for found in HOUSE
    if found.imported.split(".")[0] == PACKAGE and part(found.imported) not in ("", "__version__")
]
FLOOR = {name: floor for floor, names in enumerate(LAYERS) for name in names}


def test_every_part_of_the_house_has_its_floor() -> None:
    """
    A new package says where it belongs before it is imported from anywhere.
    """
    parts = {part(module_of(path)) for path in files(SOURCE, ROOT / "conformance")} - {""}

    assert set() == parts - FLOOR.keys()


def test_imports_only_go_down() -> None:
    """
    Also inside functions, unless the pair is listed with its reason.
    """
    upward = [
        f"{found.place} imports {found.imported}"
        for found in OWN
        if FLOOR.get(part(found.imported), 99) > FLOOR.get(part(found.module), -1)
        and (found.at_import or (part(found.module), part(found.imported)) not in LISTED)
    ]

    assert upward == []


@pytest.mark.parametrize("name", ONLY)
def test_the_ground_floors_import_only_what_they_may(name: str) -> None:
    """
    Verdicts know the standard and nothing of measuring; the standard knows no device.
    """
    strangers = [
        f"{found.place} imports {found.imported}"
        for found in OWN
        if part(found.module) == name and part(found.imported) not in {name, *ONLY[name]}
    ]

    assert strangers == []


def test_the_report_never_measures() -> None:
    """
    It reads evidence and verdicts; what starts servers isn't within its reach.
    """
    reached = [
        f"{found.place} imports {found.imported}"
        for found in OWN
        if part(found.module) == "report"
        and part(found.imported) in ("measurements", "engines", "trainers", "load", "toolchains")
        and (found.at_import or (part(found.module), part(found.imported)) not in LISTED)
    ]

    assert reached == []


FLOORS_OF_ENGINES = (
    ("protocol", "dialects", "ports", "checkpoint", "address", "layers"),
    ("asking",),
    ("lifecycle",),
    ("endpoint", "transformers", "vllm", "fastdeploy"),
)
"""As in the package's docstring, from the ground up."""
TOP = len(FLOORS_OF_ENGINES) - 1


def test_no_engine_knows_another() -> None:
    """
    What two of them share lies below them; what starts any of them knows none.
    """
    engines = f"{PACKAGE}.engines."
    floor = {name: number for number, names in enumerate(FLOORS_OF_ENGINES) for name in names}
    pairs = {
        (found.module.split(".")[2], found.imported.split(".")[2])
        for found in OWN
        if found.module.startswith(engines) and found.imported.startswith(engines)
    }
    upward = [(here, there) for here, there in pairs if floor[there] > floor[here]]
    beside = [
        (here, there)
        for here, there in pairs
        if here != there and floor[here] == TOP == floor[there]
    ]

    assert len(pairs) > 10
    assert upward == []
    assert beside == []


def test_what_is_listed_is_used() -> None:
    """
    An exception that nobody needs any more is removed.
    """
    pairs = {(part(found.module), part(found.imported)) for found in OWN if not found.at_import}

    assert [pair for pair in LISTED if pair not in pairs] == []


def test_no_module_imports_paddle_or_torch_or_vllm() -> None:
    """
    They live in toolchains of their own; the pytest process talks to them as programs.
    """
    heavy = [
        f"{found.place} imports {found.imported}"
        for found in HOUSE
        if found.imported.split(".")[0] in HEAVY
    ]

    assert heavy == []


@pytest.mark.parametrize("name", INSIDE)
def test_scripts_of_other_environments_are_imported_by_nobody(name: str) -> None:
    """
    They are run, by another interpreter.
    """
    module = f"{PACKAGE}.{name.removesuffix('.py').replace('/', '.')}"

    assert (SOURCE / name).is_file()
    assert [found.place for found in HOUSE if found.imported.startswith(module)] == []


@pytest.mark.parametrize(
    "path",
    files(SOURCE, ROOT / "conformance", ROOT / "tests"),
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)
def test_no_file_is_longer_than_400_lines(path: Path) -> None:
    """
    What outgrows that is two things.
    """
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_a_type_checkers_import_does_not_count(tmp_path: Path) -> None:
    """
    The walker itself: types, functions and relative imports are told apart.
    """
    path = SOURCE / "evidence" / "store.py"
    found = {(i.imported, i.at_import) for i in imports_of(path, module_of(path))}

    assert {("pytest_ernie.errors", True), ("filelock", False)} <= found
    assert (module_of(path), part(module_of(path))) == ("pytest_ernie.evidence.store", "evidence")
    assert True is is_type_checking(ast.parse("if TYPE_CHECKING:\n    import x").body[0])
