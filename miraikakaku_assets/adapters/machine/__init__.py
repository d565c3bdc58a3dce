"""The machine and what answers on it: processors, memory, volumes, HTTP. Keep out: what counts as too much."""
