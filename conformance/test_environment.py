"""
Preflight: what the documents of chips and tools require. It explains, it never certifies.
"""

from __future__ import annotations

import warnings

import pytest


@pytest.mark.preflight
def test_the_host_is_as_the_documents_require(check):
    """
    A host that lacks what is checked here fails later and less clearly.
    """
    finding = check.run()

    if finding.word == "note":
        warnings.warn(str(finding), stacklevel=1)
    if not finding.passes:
        pytest.fail(str(finding), pytrace=False)
