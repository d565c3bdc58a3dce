"""The copper curve as an asset. Put here: its description and cadence. Keep out: what the curve says."""
