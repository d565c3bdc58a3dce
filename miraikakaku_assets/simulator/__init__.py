"""Exchange simulator: speaks what the price and master adapters read, on loopback, with faults on demand.

Nothing in the product imports this package but the command that starts it. The tests, the demo and the
benchmarks run the real adapters against it.
"""
