"""The benchmark suite: `python -m benchmarks`. Ratios within one run, each beside its floor or peer."""
