"""The five-minute cycle: one job of one step per universe, and who is told of it."""
