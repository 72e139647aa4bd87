"""
Two real servers at once on one machine: leased ports, one evidence folder, nothing left behind.
"""

from __future__ import annotations

import re
from pathlib import Path

import psutil
import pytest

from pytest_ernie.evidence import Store
from pytest_ernie.leases import Office
from pytest_ernie.toolchains import provision


def test_two_workers_have_a_server_each_at_the_same_time(
    pytester: pytest.Pytester, conformance_folder: Path
) -> None:
    """
    Of three servers each starts once, two are measured side by side, and each has ports of its own.
    """
    provision("server-cpu")
    result = pytester.runpytest_subprocess(
        *(str(conformance_folder), "--rootdir", str(pytester.path), "-p", "no:cacheprovider"),
        *(
            "--device=cpu",
            "-n",
            "2",
            "-m",
            "datatype or (inference and context)",
            "-k",
            "not 131072",
        ),
    )

    result.assert_outcomes(passed=9)
    store = Store.existing(pytester.path / "ernie-evidence")
    assert (store.journal.gaps, store.journal.altered) == ([], {})
    facts = [e for e in store.journal.of_type["begin"] if e.body["spec"]["kind"] == "serving.facts"]
    spans, ports = [], set()
    for begin in facts:
        (end,) = (e for e in store.journal.of_id[begin.id] if e.type == "result")
        spans.append((begin.time_unix_s, end.time_unix_s))
        command = " ".join(end.body["data"]["command"])
        ports.update(re.findall(r"--port (\d+)", command))
    assert len(facts) == len(ports) == 3
    (_, first_end), (second_begin, _), _ = sorted(spans)
    assert second_begin < first_end
    assert Office().held() == ()
    commands = [" ".join(p.info["cmdline"] or ()) for p in psutil.process_iter(["cmdline"])]
    assert not [c for c in commands if str(pytester.path) in c and "api_server" in c]
