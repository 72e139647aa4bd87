"""
The command line: wrong calls end in one clear line, before anything is measured.
"""

from __future__ import annotations

import pytest

PASSING = """
from pytest_ernie.clauses import clause
from pytest_ernie.verdicts import Verdict, Word

@clause("inference.datatype")
def test_x(criterion, judge):
    judge(Verdict(word=Word.PASS, message="fine"))
"""


def error_lines(pytester: pytest.Pytester, *arguments: str) -> str:
    """Run and return what was said on standard error; the run must be a usage error."""
    pytester.makepyfile(PASSING)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR, result.stdout.str()
    return result.stderr.str()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--device=tpu",), "there is no such device; got tpu; wanted one of cpu, gpu, xpu"),
        (("--device=cpu", "--edition=ernie-5"), "there is no such edition; got ernie-5"),
        (
            ("--device=cpu", "--models=ERNIE-4.5-tini"),
            "--models: the edition rehearsal has no such model; got ERNIE-4.5-tini; "
            "wanted one of ERNIE-4.5-tiny",
        ),
        (("--device=cpu", "--reference=nowhere"), "--reference: there is no such reference"),
        (("--device=xpu", "--site=nowhere.toml"), "there is no such site file"),
        (("--device=cpu", "--evidence="), "--evidence is empty"),
        (
            ("--device=cpu", "--applicant=appliance"),
            "an appliance is certified for tier I only",
        ),
        ((), "no device to certify. --device=cpu rehearses"),
    ],
)
def test_a_wrong_call_is_explained_in_one_line(pytester, arguments, words):
    """
    Every message says what is wrong, got and wanted.
    """
    assert words in error_lines(pytester, *arguments)


def test_evidence_can_t_be_its_own_reference(pytester):
    """
    A device compared with itself passes everything.
    """
    (pytester.path / "same").mkdir()

    text = error_lines(pytester, "--device=cpu", "--evidence=same", "--reference=same")

    assert "the evidence can't be its own reference" in text


def test_an_accelerator_without_a_site_file_is_told_all_that_is_missing(
    pytester, conformance_folder
):
    """
    One screen says what the site file must hold for the chosen criteria; nothing was measured.
    """
    result = pytester.runpytest_subprocess(
        str(conformance_folder), "-m", "tier3", "--device=xpu", "-p", "no:cacheprovider"
    )
    lines = result.stderr.str().splitlines()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "nothing was measured: --device=xpu needs --site=FILE" in lines[0]
    text = "\n".join(lines)
    assert "[trainer] kind and python" in text
    assert "[engine] kind and python" in text
    assert '[models."ERNIE-4.5-300B-A47B"] checkpoint' in text
    assert "[datasets] GSM8K" in text
    assert len(lines) <= 24
    assert not (pytester.path / "ernie-evidence").exists()


def test_a_missing_reference_is_announced_at_the_start(pytester):
    """
    It is no reason to stop: everything is measured all the same.
    """
    pytester.makepyfile(PASSING)

    result = pytester.runpytest_subprocess(
        "--device=xpu", "--offline", "-p", "no:cacheprovider", "-m", "tier1"
    )

    result.stdout.fnmatch_lines(["ernie: no --reference given: everything is measured*"])
    assert result.ret == 0


def test_the_rehearsal_says_that_it_certifies_nothing(pytester):
    """
    Nobody may take a rehearsal for the real thing.
    """
    pytester.makepyfile(PASSING)

    result = pytester.runpytest_subprocess("--device=cpu", "-p", "no:cacheprovider")

    result.stdout.fnmatch_lines(["ernie: REHEARSAL*", "*REHEARSAL: nothing here certifies*"])


def test_a_taken_flag_ends_in_one_line_and_the_long_form_works(pytester):
    """
    pytest-playwright and others own --device; ours is then reached as --ernie-device.
    """
    pytester.makepyfile(
        other="""
        def pytest_addoption(parser):
            parser.addoption("--device", action="append", default=[], dest="device")
        """
    )
    text = error_lines(pytester, "-p", "other", "--device=cpu")
    assert "Another plugin owns --device here: write --ernie-device=cpu" in text

    result = pytester.runpytest_subprocess(
        "-p", "other", "--ernie-device=cpu", "-p", "no:cacheprovider"
    )

    assert result.ret == 0


def test_a_conftest_with_a_flag_of_ours_ends_in_one_line(pytester):
    """
    A project of its own --device, in an environment that holds this suite, learns how to go on.
    """
    pytester.makeconftest('def pytest_addoption(parser): parser.addoption("--device", default="a")')

    text = error_lines(pytester)

    assert "a conftest.py adds --device, which pytest-ernie adds, too." in text
    assert "-p no:ernie" in text
    assert "Traceback" not in text
    assert (
        pytester.runpytest_subprocess("-p", "no:ernie", "--co").ret != pytest.ExitCode.USAGE_ERROR
    )


def test_other_projects_are_left_alone(pytester):
    """
    Installed beside any other suite, the plugin neither prints nor costs anything.
    """
    pytester.makepyfile("def test_x(): pass")

    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")

    assert result.ret == 0
    result.stdout.no_fnmatch_line("*ernie:*")
    assert not (pytester.path / "ernie-evidence").exists()


def test_markers_are_registered_with_help(pytester):
    """
    --strict-markers takes every marker of the suite, and --markers explains it.
    """
    result = pytester.runpytest_inprocess("--markers")

    for name in ("tier1", "tier2", "tier3", "sft", "sft_lora", "inference", "preflight"):
        result.stdout.fnmatch_lines([f"@pytest.mark.{name}: *"])


def test_a_chip_maker_adds_a_device_from_a_conftest(pytester):
    """
    One object, one hook: --device takes the new kind.
    """
    pytester.makeconftest(
        """
        from pytest_ernie.devices.accelerator import Accelerator

        def pytest_ernie_register(registry):
            registry.device(Accelerator(
                kind="npx", title="NPX", paddle_name="npx", visible_variable="NPX_VISIBLE_DEVICES"
            ))
        """
    )
    pytester.makepyfile(PASSING)

    result = pytester.runpytest_subprocess("--device=npx", "--offline", "-p", "no:cacheprovider")

    assert result.ret == 0


def test_a_device_whose_name_is_taken_is_refused(pytester):
    """
    Two meanings of one name would be found out only by a wrong measurement.
    """
    pytester.makeconftest(
        """
        from pytest_ernie.devices.accelerator import Accelerator

        def pytest_ernie_register(registry):
            registry.device(Accelerator(kind="gpu", title="", paddle_name="", visible_variable=None))
        """
    )

    text = error_lines(pytester, "--device=gpu")

    assert "a device of that name is registered already; got gpu" in text
