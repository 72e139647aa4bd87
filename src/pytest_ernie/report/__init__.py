"""
Reports: what was judged, in the terminal, as HTML and for machines. They never measure.
"""
