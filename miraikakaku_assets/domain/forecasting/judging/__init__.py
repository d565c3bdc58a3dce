"""What forecasts were worth, beyond one number: densities, order, and which calls."""
