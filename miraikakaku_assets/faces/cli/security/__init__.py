"""Commands of the security scan and their tables."""
