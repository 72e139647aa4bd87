"""
vLLM, and the plugins of it that chip makers publish.
"""

from .engine import Vllm

__all__ = ["Vllm"]
