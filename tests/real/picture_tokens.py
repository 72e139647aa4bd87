"""
Runs in the trainer's toolchain: how many tokens PaddleFormers' own pipeline makes of samples with pictures.

``python picture_tokens.py CHECKPOINT DATA ANSWER``: for each line of the data set the number of ids that
its reader, its template ernie_vl_nothink and its image processor give, the end mark included, as a JSON list.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any


def main(checkpoint: Path, data: Path) -> list[int]:
    """Return the number of tokens of each sample."""
    from paddleformers.datasets.reader.convertor import convert_mm_data
    from paddleformers.datasets.template.template import TEMPLATES
    from paddleformers.transformers.ernie4_5_moe_vl.image_processor import (
        Ernie4_5_VLImageProcessor,
    )
    from transformers import PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(checkpoint / "tokenizer.json"))
    images = Ernie4_5_VLImageProcessor.from_pretrained(str(checkpoint))
    processor = SimpleNamespace(image_processor=images, tokenizer=tokenizer)
    template = TEMPLATES["ernie_vl_nothink"]
    plugin = template.mm_plugin
    end = len(tokenizer.encode(template.suffix[0], add_special_tokens=False))
    found = []
    for line in data.read_text(encoding="utf-8").splitlines():
        sample: dict[str, Any] = convert_mm_data(json.loads(line))
        pictures = [str(data.parent / name) for name in sample["images"]]
        inputs = plugin.get_mm_inputs(
            pictures,
            [],
            [],
            processor,
            imglens=[len(pictures)],
            vidlens=[0],
            audlens=[0],
            batch_ids=None,
            messages=sample["messages"],
            dtype="float32",
        )
        messages = plugin.process_messages(sample["messages"], pictures, [], [], inputs, processor)
        pairs = template.encode_multiturn(tokenizer, messages, None, None)
        found.append(sum(len(source) + len(target) for source, target in pairs) + end)
    return found


if __name__ == "__main__":
    counted = main(Path(sys.argv[1]), Path(sys.argv[2]))
    Path(sys.argv[3]).write_text(json.dumps(counted), encoding="utf-8")
