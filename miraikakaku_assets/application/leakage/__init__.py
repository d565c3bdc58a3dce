"""Use cases that prove on real bars that nothing knows the future: cut it off, compute again, compare."""
