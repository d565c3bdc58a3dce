"""Assets and jobs of collected bars, watch lists, and what a run says of each symbol."""
