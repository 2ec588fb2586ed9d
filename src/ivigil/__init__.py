"""ivigil: open software that runs immunoglobulin therapy end to end.

It informs a clinician's decision; it never decides alone.
"""

__version__ = "0.1.0"
