"""
The server's entry points.
"""
