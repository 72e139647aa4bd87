"""
Engines: what serves a model, reached over the OpenAI HTTP API only.
"""
