"""Simple rules as forecasters: what is known earlier elsewhere, and what comes back."""
