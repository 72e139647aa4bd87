"""
What the package ships says nothing of the machine that it was recorded on.
"""

from __future__ import annotations

import re
from pathlib import Path

from pytest_ernie import rehearsal

OWN = re.compile(rb"(?<![\w.}-])/(?:home|root|tmp|work|data|mnt|srv|Users)\b[^\s\"']*")


def test_the_shipped_reference_names_no_folder_of_a_machine() -> None:
    """
    A path in it would be a leak, and a hole in the redaction.
    """
    folder = Path(rehearsal.__file__).parent / "reference"
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 20
    found = {path.name: found[0] for path in files if (found := OWN.search(path.read_bytes()))}
    assert not found
