"""How metrics are written for monitoring systems. Keep out: which there are, and what they mean."""
