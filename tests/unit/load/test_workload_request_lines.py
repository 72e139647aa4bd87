"""
Lines of requests, as FastDeploy's benchmark has them.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from pytest_ernie.errors import SiteError
from pytest_ernie.load.protocol import Prompt
from pytest_ernie.load.workloads import read_workload

IMAGE = "data:image/png;base64,AA=="


def file_of(folder: Path, *lines: object) -> Path:
    """A file with these requests."""
    path = folder / "requests.jsonl"
    path.write_bytes(b"\n".join(msgspec.json.encode(line) for line in lines))
    return path


@pytest.mark.parametrize(
    ("line", "prompt"),
    [
        (
            {
                "messages": [{"role": "user", "content": "what is it"}],
                "max_tokens": 12,
                "temperature": 0.7,
            },
            Prompt(text="what is it", output_tokens=12),
        ),
        (
            {
                "messages": [
                    {"role": "system", "content": "be brief"},
                    {"role": "user", "content": "what is it"},
                    {"role": "assistant", "content": None},
                ],
                "max_completion_tokens": 12,
                "max_tokens": 99,
            },
            Prompt(text="be brief\n\nwhat is it", output_tokens=12),
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {"type": "image_url", "image_url": {"url": IMAGE, "detail": "high"}},
                            {"type": "text", "text": "what is it"},
                            {"type": "image_url", "image_url": IMAGE},
                        ],
                    }
                ],
                "output_len": 12,
            },
            Prompt(text="what is it", output_tokens=12, images=(IMAGE, IMAGE)),
        ),
        (
            {"text": "what is it", "input_token_num": 3, "max_dec_len": 12, "topp": 0.7},
            Prompt(text="what is it", output_tokens=12),
        ),
        ({"prompt": "what is it", "output_len": 12}, Prompt(text="what is it", output_tokens=12)),
        ({"src": "what is it", "max_tokens": 12}, Prompt(text="what is it", output_tokens=12)),
        ({"prompt": "vLLM's", "output_tokens": 12}, Prompt(text="vLLM's", output_tokens=12)),
        (
            {"src": "c", "prompt": "b", "text": "a", "max_tokens": 12},
            Prompt(text="a", output_tokens=12),
        ),
    ],
)
def test_a_line_is_a_request(tmp_path: Path, line: object, prompt: Prompt) -> None:
    """Chats and completions; what is the run's to decide is ignored."""
    assert read_workload(file_of(tmp_path, line)) == (prompt,)


def test_requests_that_come_again_stay(tmp_path: Path) -> None:
    """They are a load as it was."""
    line = {"text": "what is it", "max_tokens": 12}

    assert len(read_workload(file_of(tmp_path, line, line, line))) == 3


def test_editors_may_have_been_there(tmp_path: Path) -> None:
    """A byte order mark, carriage returns and blank lines change nothing."""
    path = file_of(tmp_path, *({"text": f"{index}", "max_tokens": 12} for index in range(3)))
    plain = read_workload(path)

    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n\r\n"))

    assert read_workload(path) == plain


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            b'{"max_tokens": 12}',
            "no prompt; wanted one of messages, text, prompt, src",
        ),
        (b'{"text": "", "max_tokens": 12}', "no prompt; wanted one of messages"),
        (b'{"messages": [], "max_tokens": 12}', "no prompt; wanted one of messages"),
        (
            b'{"text": "a"}',
            "its answer has no length; wanted one of max_completion_tokens, max_tokens, ",
        ),
        (b'{"text": "a", "max_tokens": 0}', "no prompt; got Expected `int` >= 1"),
        (b'{"text": ["a"], "max_tokens": 9}', "no prompt; got Expected `str | null`, got `array`"),
        (b'{"text": "\xff", "max_tokens": 9}', "no prompt; got 'utf-8' codec can't decode"),
        (b'{"text": "a"', "no prompt; got Input data was truncated"),
        (
            b'{"messages": [{"content": [{"type": "video_url"}]}], "max_tokens": 9}',
            "a part that can't be sent; got video_url; wanted text or image_url",
        ),
        (
            b'{"messages": [{"content": [{"type": "image_url", "image_url": "http://x/y.png"}]}], '
            b'"max_tokens": 9}',
            "an image that isn't in the line; got http://x/y.png; wanted a data: address. Put the image "
            "itself there: fetching it would be measured, too",
        ),
        (
            b'{"messages": [{"content": [{"type": "image_url", "image_url": "%s"}]}], "max_tokens": 9}'
            % (b"x" * 1000),
            f"an image that isn't in the line; got {'x' * 80}; wanted a data: address",
        ),
        (
            b'{"messages": [{"content": [{"type": "image_url"}]}], "max_tokens": 9}',
            "an image that isn't in the line; wanted a data: address",
        ),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, line: bytes, message: str) -> None:
    """By its number in the file."""
    path = tmp_path / "requests.jsonl"
    path.write_bytes(b'{"text": "a", "max_tokens": 9}\n' + line)

    with pytest.raises(SiteError) as caught:
        read_workload(path)

    assert str(caught.value).startswith(f"{path}:2: {message}")
