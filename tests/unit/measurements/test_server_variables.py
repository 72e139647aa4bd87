"""
Variables of a server: the chip's, the site's, and the cards.
"""

from __future__ import annotations

from pytest_ernie.devices import shipped
from pytest_ernie.measurements.launching import server_variables
from pytest_ernie.site import EngineSite, Site


def test_a_server_gets_the_chips_variables_and_its_cards() -> None:
    """
    What the chip's documents set, without a word in the site file.
    """
    assert server_variables(shipped("dcu"), Site(), ("2", "3")) == {
        "FD_ATTENTION_BACKEND": "BLOCK_ATTN",
        "HIP_VISIBLE_DEVICES": "2,3",
    }


def test_the_site_wins_over_the_documents_and_not_over_the_cards() -> None:
    """
    A newer backend may be tried; cards that somebody else holds may not.
    """
    env = {"FD_ATTENTION_BACKEND": "NEWER", "HIP_VISIBLE_DEVICES": "0,1,2,3", "DTK": "/opt/dtk"}
    site = Site(engine=EngineSite(python="python", env=env))

    assert server_variables(shipped("dcu"), site, ("2",)) == {
        "FD_ATTENTION_BACKEND": "NEWER",
        "HIP_VISIBLE_DEVICES": "2",
        "DTK": "/opt/dtk",
    }


def test_a_processor_has_no_cards() -> None:
    """
    And no variable for them.
    """
    assert server_variables(shipped("cpu"), Site(), ()) == {}
