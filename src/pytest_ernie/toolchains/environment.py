"""
What a subprocess in a toolchain inherits: as little as possible, so that evidence tells all.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

PERSONAL = ("HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TZ", "LANG", "LC_ALL", "LC_CTYPE")
"""Who runs it and where; no measured number depends on these, so they aren't evidence."""
LIBRARIES = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""Where a driver's libraries lie; they are evidence."""


def inherited(parent: Mapping[str, str] | None = None) -> dict[str, str]:
    """
    Return the variables of ``parent`` (this process if None) that a toolchain's process may see.

    Everything else a site's toolchain needs (a vendor's home, PYTHONPATH) is named in the site
    file and comes as ``Toolchain.env``.
    """
    known = os.environ if parent is None else parent
    return {name: known[name] for name in ("PATH", *PERSONAL, *LIBRARIES) if name in known}
