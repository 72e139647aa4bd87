"""
Unpacks a GGUF file into a checkpoint that any server loads: a script of vLLM's toolchain and gguf.

    python gguf_inside.py MODEL.gguf OUT
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig


def main() -> None:
    """Load it dequantised, and save it without a word of its having been quantised."""
    file, out = Path(sys.argv[1]), sys.argv[2]
    model = AutoModelForCausalLM.from_pretrained(
        file.parent,
        gguf_file=file.name,
        dtype=torch.bfloat16,
        quantization_config=GgufConfig(dequantize=True),
    )
    model.config.__dict__.pop("quantization_config", None)
    model.hf_quantizer, model.is_quantized = None, False
    model.save_pretrained(out)
    AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name).save_pretrained(out)


if __name__ == "__main__":
    main()
