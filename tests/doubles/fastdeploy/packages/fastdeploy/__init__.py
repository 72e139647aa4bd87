"""
A stand-in for FastDeploy: its command line, processes, logs and HTTP ways; no model. See ``faults``.
"""
