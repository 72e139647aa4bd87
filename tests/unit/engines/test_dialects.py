"""
How each engine is asked.
"""

from __future__ import annotations

import pytest

from pytest_ernie.engines.dialects import FASTDEPLOY, PLAIN, TRANSFORMERS, VLLM, dialect_of
from pytest_ernie.engines.protocol import Dialect


@pytest.mark.parametrize(
    ("dialect", "fields"),
    [
        (VLLM, {"temperature": 0, "max_tokens": 9, "min_tokens": 9}),
        (FASTDEPLOY, {"top_p": 0, "top_k": 1, "max_tokens": 9, "min_tokens": 9}),
        (
            TRANSFORMERS,
            {
                "temperature": 0,
                "max_tokens": 9,
                "generation_config": '{"eos_token_id": -1, "do_sample": false}',
            },
        ),
        (PLAIN, {"temperature": 0, "max_tokens": 9}),
    ],
)
def test_a_fixed_length_is_asked_only_in_words_that_the_engine_takes(
    dialect: Dialect, fields: dict[str, object]
) -> None:
    """transformers refuses min_tokens, and FastDeploy reads temperature 0 as 1."""
    assert dialect.sampling(max_tokens=9, fixed_length=True) == fields


def test_an_engine_may_fix_the_length_by_ignoring_the_end() -> None:
    """llama.cpp has nothing else."""
    dialect = Dialect(min_tokens=False, ignore_eos=True)

    assert dialect.sampling(max_tokens=9, fixed_length=True) == {
        "temperature": 0,
        "max_tokens": 9,
        "ignore_eos": True,
    }


def test_an_open_length_has_a_ceiling_only() -> None:
    """An accuracy question may end where it wants."""
    assert TRANSFORMERS.sampling(max_tokens=9) == {"temperature": 0, "max_tokens": 9}
    assert VLLM.sampling(max_tokens=9) == {"temperature": 0, "max_tokens": 9}


def test_usage_is_asked_for_only_where_it_must_be() -> None:
    """transformers always sends it."""
    assert VLLM.streaming() == {"stream": True, "stream_options": {"include_usage": True}}
    assert TRANSFORMERS.streaming() == {"stream": True}


@pytest.mark.parametrize(
    ("models", "dialect"),
    [
        ([{"id": "m", "owned_by": "vllm"}], VLLM),
        ([{"id": "m", "owned_by": "FastDeploy"}], FASTDEPLOY),
        ([{"id": "m", "owned_by": "somebody"}], PLAIN),
        ([{"id": "m"}], PLAIN),
        ([{"id": "x", "owned_by": "vllm"}, {"id": "m", "owned_by": "fastdeploy"}], FASTDEPLOY),
        ([], PLAIN),
    ],
)
def test_the_dialect_is_told_from_who_owns_the_model(
    models: list[dict[str, object]], dialect: Dialect
) -> None:
    """An owner that nobody knows gets the plain one."""
    assert dialect_of(models, "m") == dialect
