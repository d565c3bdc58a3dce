"""Stand-ins for the outside: servers, sources and models that answer as a test writes it down."""
