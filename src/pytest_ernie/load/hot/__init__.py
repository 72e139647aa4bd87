"""
The hot path: what runs while requests are in flight, in processes of its own.
"""
