"""
What runs on a card.
"""
