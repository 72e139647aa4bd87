"""
See ``launch``.
"""
