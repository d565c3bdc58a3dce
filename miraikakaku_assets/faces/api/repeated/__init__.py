"""Questions that come again and again: what is kept of them, and for how long it is true."""
