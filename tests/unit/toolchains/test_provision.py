"""
Provisioning with a shell script in uv's place: what it is asked, and what its failures mean.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_ernie.errors import ToolchainError
from pytest_ernie.toolchains.provision import (
    cache_folder,
    explained,
    find_python,
    is_provisioned,
    lock_text,
    provision,
)

GOOD_UV = """#!/bin/sh
echo "$@" >> {calls}
case "$1 $2" in
"python find") echo /usr/bin/python3.11 ;;
"venv --quiet") for folder; do :; done
    mkdir -p "$folder/bin" "$folder/lib/python3.11/site-packages"
    printf '#!/bin/sh\\n%s\\n' '{python}' > "$folder/bin/python"; chmod +x "$folder/bin/python" ;;
"pip install") echo "Resolved 3 packages in 1ms" >&2; echo " Downloaded torch" >&2
    {install}
    echo "Installed 3 packages in 5ms" >&2 ;;
esac
"""


@pytest.fixture
def uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Callable[[], list[str]]]:
    """Put a script in uv's place; returns what tells its calls."""
    import uv as package

    monkeypatch.setenv("PYTEST_ERNIE_CACHE", str(tmp_path / "cache"))

    def make(install: str = "", python: str = "exit 0") -> Callable[[], list[str]]:
        script, calls = tmp_path / "uv", tmp_path / "calls"
        calls.touch()
        script.write_text(
            GOOD_UV.format(calls=calls, install=install, python=python), encoding="utf-8"
        )
        script.chmod(0o755)
        monkeypatch.setattr(package, "find_uv_bin", lambda: str(script))
        return lambda: calls.read_text().splitlines()

    return make


def test_the_cache_is_where_the_user_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own variable, then the desktop's, then the home's cache."""
    monkeypatch.setenv("PYTEST_ERNIE_CACHE", "/big/disk")
    assert cache_folder() == Path("/big/disk")
    monkeypatch.delenv("PYTEST_ERNIE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert cache_folder() == Path("/xdg/pytest-ernie")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/me")
    assert cache_folder() == Path("/home/me/.cache/pytest-ernie")


@pytest.mark.parametrize(
    "name", ["trainer-cpu", "server-cpu", "transformers-cpu", "trainer-torch-cpu"]
)
def test_locks_are_exact_versions(name: str) -> None:
    """No URLs, hashes, ranges or repeats: one version of each package."""
    pins = lock_text(name).splitlines()

    assert all(re.fullmatch(r"[a-z0-9][a-z0-9.-]*==[0-9][0-9a-z.+]*", pin) for pin in pins)
    assert len({pin.partition("==")[0] for pin in pins}) == len(pins)


def test_the_servers_torch_is_the_cpu_build() -> None:
    """Without the local version another index would bring CUDA."""
    torch = [pin for pin in lock_text("server-cpu").splitlines() if pin.startswith("torch==")]

    assert len(torch) == 1
    assert torch[0].endswith("+cpu")


def test_a_toolchain_is_installed_once(uv: Callable[..., Callable[[], list[str]]]) -> None:
    """The second asking finds it and asks uv nothing."""
    calls = uv()
    assert not is_provisioned("trainer-cpu")

    first = provision("trainer-cpu")
    before = calls()
    second = provision("trainer-cpu")

    assert first == second
    assert is_provisioned("trainer-cpu")
    assert Path(first.python).is_file()
    assert calls() == before
    assert [" ".join(call.split()[:2]) for call in before] == [
        "python find",
        "venv --quiet",
        "pip install",
    ]
    assert "--no-deps" in before[-1]


def test_progress_tells_packages(uv: Callable[..., Callable[[], list[str]]]) -> None:
    """uv's own lines, counted against the lock."""
    uv()
    told: list[tuple[float, float | None, str]] = []

    def progress(
        stage: str, *, done: float = 0, total: float | None = None, detail: str = ""
    ) -> None:
        told.append((done, total, detail))

    provision("trainer-cpu", progress=progress)
    total = len(lock_text("trainer-cpu").splitlines())

    assert (1, total, "Downloaded torch") in told
    assert (total, total, "Installed 3 packages in 5ms") in told


def test_an_interrupted_installation_is_made_anew(
    uv: Callable[..., Callable[[], list[str]]],
) -> None:
    """A folder without its stamp isn't used, nor are its leftovers."""
    uv()
    folder = Path(provision("trainer-cpu").python).parents[1]
    (folder / "complete").unlink()
    (folder / "leftover").touch()

    provision("trainer-cpu")

    assert not (folder / "leftover").exists()
    assert is_provisioned("trainer-cpu")


def test_a_toolchain_whose_interpreter_is_gone_is_made_anew(
    uv: Callable[..., Callable[[], list[str]]],
) -> None:
    """The system's Python that it was made from may be removed by an update."""
    uv()
    python = Path(provision("trainer-cpu").python)
    python.unlink()
    python.symlink_to("/no/such/python3.11")

    assert not is_provisioned("trainer-cpu")
    provision("trainer-cpu")
    assert is_provisioned("trainer-cpu")


def test_a_failed_installation_leaves_nothing_complete(
    uv: Callable[..., Callable[[], list[str]]],
) -> None:
    """The error names the cause; the next try starts again."""
    uv(install="echo 'error: something odd' >&2; exit 2")

    with pytest.raises(
        ToolchainError, match=r"toolchain trainer-cpu: uv failed with 2; .*something"
    ):
        provision("trainer-cpu")

    assert not is_provisioned("trainer-cpu")


def test_what_is_installed_must_work(uv: Callable[..., Callable[[], list[str]]]) -> None:
    """A CUDA build under the locked version is found out by running the toolchain."""
    uv(python="echo torch 2.13.0 is a CUDA build >&2; exit 1")

    with pytest.raises(
        ToolchainError,
        match=r"it is installed but doesn't work; got torch 2\.13\.0 is a CUDA build",
    ):
        provision("server-cpu")

    assert not is_provisioned("server-cpu")


def test_two_at_once_install_once(uv: Callable[..., Callable[[], list[str]]]) -> None:
    """One works and the others wait for it."""
    calls = uv(install="sleep 0.3")
    threads = [threading.Thread(target=provision, args=("trainer-cpu",)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(call.startswith("pip install") for call in calls()) == 1


def test_a_folder_of_wheels_replaces_the_index(
    uv: Callable[..., Callable[[], list[str]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An air-gapped lab brings the wheels in the cache folder; nothing else is asked."""
    wheels = tmp_path / "cache" / "wheels"
    wheels.mkdir(parents=True)
    monkeypatch.setenv("PIP_INDEX_URL", "https://index.example/simple")
    uv(install=f"env > {tmp_path / 'seen'}")

    provision("trainer-cpu")
    seen = (tmp_path / "seen").read_text()

    assert f"UV_FIND_LINKS={wheels}\n" in seen
    assert "UV_NO_INDEX=1\n" in seen
    assert "UV_DEFAULT_INDEX" not in seen


def test_without_python_3_11_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is downloaded behind the user's back."""
    import uv as package

    script = tmp_path / "uv"
    script.write_text("#!/bin/sh\nexit 2\n", encoding="utf-8")
    script.chmod(0o755)
    monkeypatch.setattr(package, "find_uv_bin", lambda: str(script))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))

    with pytest.raises(ToolchainError, match=r"need Python 3.11, .*the package python3.11"):
        find_python()

    pyenv = tmp_path / "versions/3.11.9/bin/python"
    pyenv.parent.mkdir(parents=True)
    pyenv.touch()
    assert find_python() == pyenv


NO_CPU_TORCH = """\
  x No solution found when resolving dependencies:
  `-> Because there is no version of torch==2.13.0+cpu and you require
      torch==2.13.0+cpu, we can conclude that your requirements are unsatisfiable.
"""
MISSING = """\
  x No solution found when resolving dependencies:
  `-> Because somepackage was not found in the package registry and you require
      somepackage==1.0, we can conclude that your requirements are unsatisfiable.
"""
OFFLINE = """\
error: Failed to fetch: `https://me:secret@index.example/simple/torch/`
  Caused by: Could not connect, are you offline?
"""


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (NO_CPU_TORCH, "the CPU build of torch isn't on the package index .*PIP_EXTRA_INDEX_URL"),
        (MISSING, "a locked package isn't available; got .*somepackage.*pip download --no-deps"),
        (OFFLINE, r"can't be reached; got .*\*\*\*@index.*copy that folder to /cache/wheels"),
        ("error: No space left on device (os error 28)", "disk is full.*PYTEST_ERNIE_CACHE"),
        ("thread panicked", "uv failed with 7; got thread panicked"),
    ],
)
def test_failures_say_what_to_do(output: str, words: str) -> None:
    """What is missing, and each way to get it; never a password."""
    error = explained("server-cpu", 7, output, Path("/cache"))

    assert re.search(words, str(error))
    assert "secret" not in str(error)
