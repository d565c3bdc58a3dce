"""The copper curve in PostgreSQL: quotes, stocks of the LME, and what was refused."""
