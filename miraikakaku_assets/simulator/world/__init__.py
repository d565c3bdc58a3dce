"""The synthetic market as a whole, and what is known of a symbol at an instant."""
