"""
The known server: an OpenAI-compatible server whose every moment is known, to measure clients by.
"""
