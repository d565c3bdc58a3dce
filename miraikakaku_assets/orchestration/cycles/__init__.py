"""The five-minute cycle: one job of one step per universe, and its notifications."""
