"""
Audit: some criteria of recorded evidence are measured again, and the old figures are believed or not.
"""
