"""
Random damage: no mutant verifies, and none breaks the verifier. tests/tamper has ten thousand of them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from doubles.forger import Workshop
from doubles.mutations import MUTATIONS, entries_of, mutated, zipped
from pytest_ernie.bundles.keys import public_key_id
from pytest_ernie.bundles.signing import sign_bundle
from pytest_ernie.bundles.verify import examine
from pytest_ernie.errors import ErnieError

COUNT = 400


@pytest.fixture(scope="module")
def bundle(small: Path, keys: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A signed bundle that is fine."""
    path = tmp_path_factory.mktemp("bundle") / "chip.ernie"
    Workshop(small).pack(path)
    sign_bundle(path, keys["vendor"])
    return path


def believed(path: Path, trusted: dict[str, str]) -> bool:
    """Tell whether everything that can be found without judging is in order."""
    try:
        examined = examine(path, trusted)
    except ErnieError:
        return False
    return not examined.findings and not examined.signed.problem and bool(examined.signed.trusted)


def test_the_bundle_itself_is_believed(bundle: Path, keys: dict[str, Path]) -> None:
    """
    Else the next test would prove nothing; and the mutants' workshop changes nothing by itself.
    """
    content = bundle.read_bytes()

    assert content == zipped(entries_of(content))
    assert believed(bundle, {public_key_id(Path(f"{keys['vendor']}.pub")): "vendor"})


def test_no_mutant_is_believed(bundle: Path, keys: dict[str, Path], tmp_path: Path) -> None:
    """
    Whatever was flipped, cut, doubled, swapped or dropped is refused or found, by an error that is meant.
    """
    trusted = {public_key_id(Path(f"{keys['vendor']}.pub")): "vendor"}
    content, path, names = bundle.read_bytes(), tmp_path / "mutant.ernie", set()
    for seed in range(COUNT):
        name, mutant = mutated(content, seed)
        names.add(name)
        path.write_bytes(mutant)
        assert not believed(path, trusted), f"{name} of seed {seed} is believed"

    assert {mutate.__name__ for mutate in MUTATIONS} == names
