"""Coverage in PostgreSQL: what is held, the gaps, and the reports about them."""
