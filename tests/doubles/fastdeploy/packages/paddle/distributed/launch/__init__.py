"""
Paddle's launcher: see ``__main__``.
"""
