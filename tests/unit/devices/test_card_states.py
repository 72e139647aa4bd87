"""
Clocks, power and heat of cards while they are measured, and what is made of them.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from pytest_ernie.devices import gpu
from pytest_ernie.devices.accelerator import Accelerator
from pytest_ernie.devices.states import SLOWED, CardState, Watch, summary, trouble
from pytest_ernie.devices.tool import Found, Tool, Unreadable
from pytest_ernie.errors import DeviceError


def state(*reasons: str, mhz: float | None = 1980.0, errors: int | None = 0) -> CardState:
    """A card at a moment."""
    return CardState(
        time_unix_s=1.0,
        card="0",
        sm_mhz=mhz,
        held_back_by=reasons,
        uncorrected_ecc_errors=errors,
    )


def test_nvidia_smis_line_becomes_a_state() -> None:
    """Bit 0 is idling, which holds nobody back; 0x44 are two reasons."""
    (idle, busy) = gpu.card_states(
        "0, 345, 1980, 97.12, 700.00, 38, 0x0000000000000001, 0\n"
        "1, 1755, 1980, 698.60, 700.00, 84, 0x0000000000000044, [N/A]\n",
        5.0,
    )

    assert idle == CardState(
        time_unix_s=5.0,
        card="0",
        sm_mhz=345.0,
        sm_mhz_max=1980.0,
        power_w=97.12,
        power_limit_w=700.0,
        temperature_c=38.0,
        uncorrected_ecc_errors=0,
    )
    assert busy.held_back_by == ("power limit", "thermal slowdown")
    assert busy.uncorrected_ecc_errors is None


def test_both_thermal_slowdowns_are_one_reason() -> None:
    """The driver's and the hardware's."""
    (one,) = gpu.card_states("0, 1, 1, 1, 1, 1, 0x0000000000000060, 0", 0.0)

    assert one.held_back_by == ("thermal slowdown",)


def test_what_a_card_does_not_tell_is_unknown() -> None:
    """Not zero."""
    (one,) = gpu.card_states("0, [N/A], [N/A], [N/A], [N/A], [N/A], [N/A], [N/A]", 0.0)

    assert one == CardState(time_unix_s=0.0, card="0")


def test_a_line_with_other_figures_is_unreadable() -> None:
    """A newer tool that leaves one out isn't guessed at."""
    with pytest.raises(Unreadable, match="wanted 8 figures a card, got '0, 1, 2'"):
        gpu.card_states("0, 1, 2", 0.0)


def test_settings_that_a_card_has_not_are_left_out() -> None:
    """And those in which cards differ are both named."""
    told = gpu.settings("Enabled, [N/A], 700.00, 1980, 3201\nDisabled, [N/A], 700.00, 1980, 3201\n")

    assert told == {
        "ecc": "Disabled + Enabled",
        "power_limit_w": "700.00",
        "sm_mhz_max": "1980",
        "memory_mhz_max": "3201",
    }
    assert Found(names=("A",), driver="1", settings=told).facts()["settings"] == told


def test_a_summary_has_ranges_and_shares() -> None:
    """Of each reason the share of the states in which it was given."""
    told = summary([state(mhz=1000.0), state("power limit"), state("power limit", mhz=None)])

    assert told["count"] == 3
    assert told["sm_mhz"] == {"least": 1000.0, "median": 1490.0, "most": 1980.0}
    assert told["power_w"] is None
    assert told["held_back"] == {"power limit": pytest.approx(2 / 3)}
    assert told["slowed"] == []
    assert trouble(told) is None


@pytest.mark.parametrize("reason", SLOWED)
def test_a_slowed_card_is_trouble(reason: str) -> None:
    """Named, with how often it was seen."""
    told = summary([state(reason), state(), state(), state()])

    assert trouble(told) == (
        f"the cards were slowed down while they were measured: {reason} in 25% of the readings"
    )


def test_memory_errors_that_appear_meanwhile_are_trouble() -> None:
    """Old ones are the card's past."""
    assert trouble(summary([state(errors=2), state(errors=2)])) is None
    assert trouble(summary([state(errors=2), state(errors=5)])) == (
        "3 uncorrected memory errors of a card appeared while it was measured"
    )


def test_nothing_read_is_no_trouble_and_no_division_by_zero() -> None:
    """A run may be shorter than the tool's first answer, and a chip may have no such tool."""
    assert trouble(summary([])) is None
    assert trouble(None) is None


def test_a_watch_reads_until_it_is_left_and_knows_the_cards_apart() -> None:
    """At once, and then again and again."""
    with Watch(lambda: [state(), msgspec.structs.replace(state(), card="1")], 0.001) as watch:
        while len(watch.states) < 6:
            pass
    read = len(watch.states)

    assert len(watch.of(("1",))) == read // 2
    assert len(watch.of(())) == read
    assert len(watch.states) == read


def test_a_tool_that_fails_ends_the_watch_and_is_told() -> None:
    """What was measured meanwhile is measured all the same."""

    def failing() -> list[CardState]:
        raise DeviceError("the cards' states can't be read", where="nvidia-smi")

    with Watch(failing, 0.001) as watch:
        pass

    assert watch.states == []
    assert watch.problem == "nvidia-smi: the cards' states can't be read"


def test_a_tool_that_is_here_is_watched_and_its_failure_named(tmp_path: Path) -> None:
    """Through the tool's own command line."""
    script = tmp_path / "nvidia-smi"
    script.write_text("#!/bin/sh\necho '0, 345, 1980, 97.12, 700.00, 38, 0x0000000000000008, 0'\n")
    script.chmod(0o755)
    tool = Tool(
        names=("no-such-tool-anywhere",),
        folders=(),
        read=gpu.read,
        states=gpu.states,
        tested_on="",
    )
    device = Accelerator(
        kind="gpu", title="GPU", paddle_name="gpu", visible_variable=None, tool=tool
    )
    assert device.watch() is None

    here = msgspec.structs.replace(tool, names=(str(script),))
    watch = msgspec.structs.replace(device, tool=here).watch()
    assert watch is not None
    with watch:
        while not watch.states:
            pass
    assert watch.states[0].held_back_by == ("hardware slowdown",)

    script.write_text("#!/bin/sh\necho 'No devices were found'\n")
    watch = msgspec.structs.replace(device, tool=here).watch()
    assert watch is not None
    with watch:
        pass
    assert watch.problem == (
        "nvidia-smi: the cards' states can't be read: wanted 8 figures a card, "
        "got 'No devices were found'"
    )
