"""The copper curve: units, contract months, what a quote has to be, and what the curve says.

Put here: rules about prices of copper on several dates of delivery. Keep out: where they come from.
"""
