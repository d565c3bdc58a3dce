"""The asset of the source canary: a few symbols asked at intervals. What follows from it is decided in `monitoring`."""
