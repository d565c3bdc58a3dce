"""Dagster's own tests of an instance storage, run against ours by `make test-storage`."""
