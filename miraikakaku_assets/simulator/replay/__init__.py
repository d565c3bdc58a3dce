"""An archive of real bars in place of the synthetic market."""
