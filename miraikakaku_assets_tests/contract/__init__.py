"""What each port promises: adapters and use cases against a real PostgreSQL, a simulated exchange or the library."""
