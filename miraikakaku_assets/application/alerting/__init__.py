"""Use cases that raise and resolve alerts and tell people; those about signals are raised in `analysis`."""
