"""
The transformers trainer's own side: runs inside a toolchain with torch and transformers.

Started as ``python -m ernie_torch JOB``; the process that runs pytest never imports it. It trains by
PaddleFormers' rules (its template, labels, data order, loss, schedule and optimizer), so that two
frameworks can be compared step by step. docs/training-numerics.md says how far they agree.
"""
