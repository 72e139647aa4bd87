"""
The life of a server: started once, watched until it is ready, shared, ended with all that it started.
"""
