"""
Bundles: evidence that travels - packed, signed, verified and compared as one file.
"""
