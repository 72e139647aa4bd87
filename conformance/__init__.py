"""
The certification: one test for each clause, one item for each criterion.
"""
