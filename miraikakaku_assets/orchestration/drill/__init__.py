"""The demo that a drill damages, and the damages."""
