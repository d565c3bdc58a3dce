"""The account of the work itself: collections, cycles, probes."""
