"""Command ``copper``, and the tables of the curve."""
