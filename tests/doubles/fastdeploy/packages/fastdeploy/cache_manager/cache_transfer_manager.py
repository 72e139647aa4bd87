"""
Lives as long as the server, as FastDeploy's does, in a session of its own.
"""

import signal

while True:
    signal.pause()
