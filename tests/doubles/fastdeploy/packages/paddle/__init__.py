"""
The little of Paddle that FastDeploy's process tree needs: its launcher.
"""
