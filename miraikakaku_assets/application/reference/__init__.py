"""Use cases of the stock masters: what an exchange lists. Prices belong to `collection`."""
