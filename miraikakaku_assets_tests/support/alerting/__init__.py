"""What tests of alerts share: an operator's desk on a real database."""
