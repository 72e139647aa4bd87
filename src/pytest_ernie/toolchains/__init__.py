"""
Isolated environments in which trainers and engines run, always as subprocesses.
"""

from pytest_ernie.toolchains.environment import inherited
from pytest_ernie.toolchains.process import Running, start
from pytest_ernie.toolchains.provision import cache_folder, is_provisioned, provision
from pytest_ernie.toolchains.toolchain import Toolchain, adopt

__all__ = [
    "Running",
    "Toolchain",
    "adopt",
    "cache_folder",
    "inherited",
    "is_provisioned",
    "provision",
    "start",
]
