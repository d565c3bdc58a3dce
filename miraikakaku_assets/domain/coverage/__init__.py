"""Which sessions are covered, and the cause of every missing bar. Whether a bar is right belongs to `domain.bars`."""
