"""
Only what pytest takes from a root conftest: the plugin that runs pytest inside tests.
"""

pytest_plugins = ["pytester"]
