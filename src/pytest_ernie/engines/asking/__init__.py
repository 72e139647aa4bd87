"""
Questions to a server, whoever runs it: is it there, one answer, needles in a long prompt.
"""
