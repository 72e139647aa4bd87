"""
What moves the cache.
"""
