"""
What is read of a server's logs, and what is kept of them.
"""

from __future__ import annotations

from pathlib import Path

from pytest_ernie.engines.lifecycle.logs import HEAD_BYTES, TAIL_BYTES, Logs, shortened


def logs_of(folder: Path, *secrets: str) -> Logs:
    """The logs of a server that writes server.log, and workerlog.* beside it."""
    return Logs(folder / "server.log", lambda: folder.glob("workerlog.*"), secrets)


def test_the_main_log_comes_first_and_a_missing_one_is_empty(tmp_path: Path) -> None:
    """Workers follow by name."""
    logs = logs_of(tmp_path)
    (tmp_path / "workerlog.1").write_text("b")
    (tmp_path / "workerlog.0").write_text("a")

    assert list(logs.texts().values()) == ["", "a", "b"]
    assert logs.size() == 2


def test_what_an_earlier_start_wrote_is_not_this_ones(tmp_path: Path) -> None:
    """Unless the file was written anew, shorter than it was."""
    kept, anew = tmp_path / "workerlog.0", tmp_path / "workerlog.1"
    for path in (kept, anew):
        path.write_text("OSError: [Errno 98] Address already in use\n")
    logs = logs_of(tmp_path)
    with kept.open("a") as file:
        file.write("fine\n")
    anew.write_text("new\n")

    assert logs.texts() == {tmp_path / "server.log": "", kept: "fine\n", anew: "new\n"}


def test_text_that_grows_is_read_again(tmp_path: Path) -> None:
    """A log that didn't grow isn't."""
    logs = logs_of(tmp_path)
    logs.main.write_text("one\n")
    before = logs.text(logs.main)
    with logs.main.open("a") as file:
        file.write("two\n")

    assert (before, logs.text(logs.main)) == ("one\n", "one\ntwo\n")


def test_a_secret_is_in_nothing_that_is_read_or_kept(tmp_path: Path) -> None:
    """vLLM writes its key into its log."""
    logs = logs_of(tmp_path, "s3cret-k3y-of-this-server")
    logs.main.write_text("args: {'api_key': ['s3cret-k3y-of-this-server']}\n")
    (tmp_path / "workerlog.0").write_text("key s3cret-k3y-of-this-server\n")

    assert logs.kept() == {
        "server_log": b"args: {'api_key': ['{secret}']}\n",
        "server_log workerlog.0": b"key {secret}\n",
    }
    assert "{secret}" in logs.text(logs.main)


def test_files_of_one_name_in_several_folders_are_all_kept(tmp_path: Path) -> None:
    """Each rank has a folder of its own."""
    for rank in ("0", "1"):
        (tmp_path / rank).mkdir()
        (tmp_path / rank / "workerlog.0").write_text(rank)
    logs = Logs(tmp_path / "server.log", lambda: tmp_path.rglob("workerlog.*"))

    assert list(logs.kept()) == [
        "server_log",
        "server_log 0/workerlog.0",
        "server_log 1/workerlog.0",
    ]


def test_a_long_log_keeps_its_head_and_its_tail(tmp_path: Path) -> None:
    """And says how much is missing; one that just fits is whole."""
    fits, long = tmp_path / "fits", tmp_path / "long"
    fits.write_bytes(b"x" * (HEAD_BYTES + TAIL_BYTES))
    long.write_bytes(b"begin" + b"x" * (HEAD_BYTES + TAIL_BYTES) + b"end")

    assert shortened(fits) == fits.read_bytes()
    kept = shortened(long)
    assert kept.startswith(b"begin")
    assert kept.endswith(b"end")
    assert b"\n[... 8 bytes left out ...]\n" in kept
    assert len(kept) < HEAD_BYTES + TAIL_BYTES + 100
