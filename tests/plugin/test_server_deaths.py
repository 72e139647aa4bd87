"""
A server that dies in the middle of a measurement, and what the site lets be done about it.
"""

from __future__ import annotations

import pytest
from certification_kit import Laboratory, not_passed


@pytest.fixture
def laboratory(pytester, monkeypatch, conformance_folder) -> Laboratory:
    """A laboratory without a reference."""
    return Laboratory(pytester, monkeypatch, conformance_folder)


def test_a_server_that_died_is_started_again_once_where_the_site_says_so(laboratory):
    """
    The criterion in which it died is measured anew and says so, under --fresh, too; its first attempt
    stays in evidence.
    """
    chosen = ("-m", "tier1 and accuracy")
    laboratory.record_reference(*chosen)
    site = laboratory.path / "site.toml"
    site.write_text(site.read_text().replace("[engine]", "[engine]\nrestarts = 1"))
    laboratory.plant(serve={"die_after": 30, "deaths": 1})

    result, words = laboratory.run(*chosen, "--reference=ernie-reference")

    assert not_passed(words) == {}
    assert len(laboratory.starts()) == 2
    from pytest_ernie.evidence import Store

    entries = Store.existing(laboratory.path / "ernie-evidence").journal.entries
    failures = [entry.body for entry in entries if entry.type == "failure"]
    assert [failure["kind"] for failure in failures] == ["ServerDied"]
    assert "the server died while it answered" in failures[0]["message"]
    notes = [note for verdict in laboratory.verdicts() for note in verdict["notes"]]
    assert [note for note in notes if "died" in note] == [
        f"in an earlier attempt {failures[0]['message']}"
    ]

    assert "in an earlier attempt" in result.stdout.str()

    laboratory.plant(serve={"die_after": 30, "deaths": 3})
    again, words = laboratory.run(*chosen, "--reference=ernie-reference", "--fresh=a new look")
    assert not_passed(words) == {}
    assert len(laboratory.starts()) == 4
    again.stdout.fnmatch_lines([f"*({len(words)} measurements were made in this run)"])

    site.write_text(site.read_text().replace("restarts = 1", "restarts = 0"))
    laboratory.plant(serve={"die_after": 30})
    result, words = laboratory.run(*chosen, "--reference=ernie-reference", "--evidence=another")
    assert set(not_passed(words).values()) == {"INCONCLUSIVE"}
    assert "it isn't started again" in " ".join(result.stdout.str().split())
