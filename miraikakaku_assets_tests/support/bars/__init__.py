"""Bars as sources send them, as stores hand them out, and random walks of them."""
