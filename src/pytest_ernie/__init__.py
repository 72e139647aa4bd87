"""
pytest-ernie: conformance of AI accelerators with Baidu's ERNIE 4.5 certification standard.
"""

from __future__ import annotations

__version__ = "0.1.0"
