"""A drill: damage a demo, and prove that it is noticed, told once and mended."""
