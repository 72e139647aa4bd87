"""
Engines: what serves a model, reached over the OpenAI HTTP API only.

    fastdeploy/ vllm/ transformers endpoint    what is particular to each
    lifecycle/                                 how any of them is started, watched and ended
    asking/                                    questions to a server: is it there, one answer, a long prompt
    protocol dialects                          what the rest of the suite sees of an engine
"""
