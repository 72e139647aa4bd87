"""
What is collected, under which names, and how fast.
"""

from __future__ import annotations

import pytest

from pytest_ernie.standard import load

COLLECT = ("--collect-only", "-q", "-p", "no:cacheprovider")


def collected(pytester: pytest.Pytester, *arguments: str) -> list[str]:
    """Return the ids that a run would take, without pytest's closing lines."""
    result = pytester.runpytest_inprocess(*COLLECT, *arguments)
    assert result.ret in (0, 5), result.stdout.str()
    return [line for line in result.outlines if "::" in line]


@pytest.mark.parametrize(
    ("device", "choice", "count"),
    [
        ("xpu", "tier1", 65),
        ("xpu", "tier2", 95),
        ("xpu", "tier3", 95),
        ("xpu", "training or inference", 185),
        ("cpu", "tier1", 13),
        ("cpu", "tier2", 19),
        ("cpu", "tier3", 19),
        ("xpu", "sft", 30),
        ("xpu", "sft_lora", 30),
        ("xpu", "tier1 and inference", 35),
    ],
)
def test_each_tier_has_the_standards_number_of_criteria(
    pytester, conformance_folder, device, choice, count
):
    """
    65, 95 and 95 criteria, 185 in all; 13, 19 and 19 in the rehearsal; no site is needed to look.
    """
    ids = collected(pytester, str(conformance_folder), f"--device={device}", "-m", choice)

    assert count == len(ids)


def test_names_can_be_typed(pytester, conformance_folder):
    """
    No spaces and no parentheses, lengths in tokens, so that -k takes them as they are.
    """
    ids = collected(pytester, str(conformance_folder), "--device=xpu", "-m", "tier2")
    names = [line.split("[")[1].rstrip("]") for line in ids]

    assert "tier2-ERNIE-4.5-21B-A3B-wint4" in names
    assert not [name for name in names if set(name) & set(" ()'\"")]


@pytest.mark.parametrize(
    ("expression", "count"),
    [
        ("tier2-ERNIE-4.5-21B-A3B-wint4 and throughput", 1),
        ("8192 and training", 10),
        ("131072 and ERNIE-4.5-0.3B and training", 2),
        ("GSM8K", 10),  # nine criteria, and whether the data set is there
    ],
)
def test_dash_k_takes_what_was_typed_and_no_more(pytester, conformance_folder, expression, count):
    """
    8192 doesn't take 131072 along, as 8K would take 128K.
    """
    ids = collected(pytester, str(conformance_folder), "--device=xpu", "-k", expression)

    assert count == len(ids)


def test_preflight_is_not_among_the_criteria(pytester, conformance_folder):
    """
    Preflight explains; it can't be counted as a criterion.
    """
    ids = collected(pytester, str(conformance_folder), "--device=xpu", "-m", "preflight")

    assert ids
    assert all("test_environment" in line for line in ids)


def test_criteria_that_tiers_share_carry_no_tier(pytester, conformance_folder):
    """
    One loss criterion serves all tiers, so its name must be the same in each.
    """
    of_tier = {
        tier: {
            line.split("::")[1]
            for line in collected(
                pytester, str(conformance_folder), "--device=xpu", "-m", f"tier{tier} and loss"
            )
        }
        for tier in (1, 2, 3)
    }

    assert of_tier[1] == of_tier[2] == of_tier[3]
    assert len(of_tier[1]) == 10


def test_models_choose(pytester, conformance_folder):
    """
    --models limits the run to some models of the edition.
    """
    ids = collected(
        pytester, str(conformance_folder), "--device=xpu", "--models=ERNIE-4.5-0.3B", "-m", "tier1"
    )

    assert len(ids) == 13


def test_a_clause_that_the_standard_lacks_is_refused(pytester):
    """
    A misspelt clause would otherwise be a test that never runs.
    """
    pytester.makepyfile(
        """
        from pytest_ernie.clauses import clause

        @clause("training.speed")
        def test_x(criterion): ...
        """
    )

    result = pytester.runpytest_inprocess("--device=cpu")

    result.stdout.fnmatch_lines(
        ["*the edition has no clause 'training.speed'; it has training.loss*"]
    )
    assert result.ret != 0


def test_training_comes_before_serving_and_servers_stay_together(pytester, conformance_folder):
    """
    Each server starts once: all criteria of a data type follow each other.
    """
    lines = collected(
        pytester, str(conformance_folder), "--device=cpu", "-m", "training or inference"
    )
    phases = ["training" if "test_training" in line else "inference" for line in lines]
    types = [t for line in lines for t in ("wint8", "wint4", "w4a8") if t in line]

    assert phases == sorted(phases, reverse=True)
    assert len(set(types)) == sum(1 for a, b in zip(types, [None, *types], strict=False) if a != b)


def test_preflight_asks_what_the_devices_documents_require(pytester, conformance_folder):
    """
    One item for each check, under a name that can be typed; another chip has other ones.
    """
    of = {
        kind: {
            line.partition("[")[2].rstrip("]")
            for line in collected(
                pytester, str(conformance_folder), f"--device={kind}", "-m", "preflight"
            )
        }
        for kind in ("cpu", "xpu", "gcu")
    }

    assert {"python_version", "libgomp", "our_leftovers"} <= of["cpu"] & of["xpu"] & of["gcu"]
    sets = {f"data_set_{dataset.name}" for dataset in load("ernie-4.5").datasets}
    assert of["xpu"] - of["cpu"] == {"cards", "XPU_driver", "XPU_firmware"} | sets
    assert of["gcu"] - of["cpu"] == {"cards", "GCU_driver", "TopsRider"} | sets


def test_preflight_prints_the_mend_of_what_is_missing(pytester, conformance_folder):
    """
    A chip that nobody told of: the tool that is missing, and how to get it.
    """
    result = pytester.runpytest_inprocess(
        str(conformance_folder),
        *("--rootdir", str(pytester.path), "-p", "no:cacheprovider"),
        *("--device=gcu", "-m", "preflight", "-k", "cards or driver"),
    )

    result.assert_outcomes(failed=2)
    text = result.stdout.str()
    assert "there is no efsmi" in text
    assert "Install the driver of TopsRider on the host" in text
    assert "1.5.0.5 or newer (FastDeploy's installation guide for Enflame S60)" in text
    assert "def test_the_host" not in text  # the mend, not our stack
