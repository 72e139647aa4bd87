"""
Load: prompts of fixed answer length, a closed loop that asks them, and what its records amount to.
"""
