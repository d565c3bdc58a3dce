"""Whole processes: killed writers, the simulator over HTTP, real data where it is there."""
