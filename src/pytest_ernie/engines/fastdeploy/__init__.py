"""
FastDeploy: published configurations, flags by release, launch line, and what its logs show.
"""

from .engine import FastDeploy

__all__ = ["FastDeploy"]
