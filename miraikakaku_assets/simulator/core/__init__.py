"""What everything simulated stands on: configuration, clock, sessions, noise."""
