"""
Slurm as the engine beyond one host: shards as the tasks of an array job.
"""
