"""
Preflight: what the documents of chips and tools require. It explains, it never certifies.
"""

from __future__ import annotations

import pytest

from pytest_ernie.preflight import CHECKS


@pytest.mark.preflight
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_host_is_as_the_documents_require(check):
    """
    A host that lacks what is checked here fails later and less clearly.
    """
    finding = check()

    assert finding.holds, str(finding)
