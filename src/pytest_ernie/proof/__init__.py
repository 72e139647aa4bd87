"""
The proof on one NVIDIA GPU: what the edition ``gpu-proof`` needs, made on the spot (docs/gpu-proof.md).

    python -m pytest_ernie.proof FOLDER --python=PYTHON

makes weights, data and a site file in the folder, then runs pytest with them.
"""
