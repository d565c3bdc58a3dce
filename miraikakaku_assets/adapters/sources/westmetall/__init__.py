"""Westmetall's page of the LME's official prices and stocks of copper."""
