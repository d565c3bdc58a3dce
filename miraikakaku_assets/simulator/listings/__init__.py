"""Which issues exist, and the lists that exchanges publish of them."""
