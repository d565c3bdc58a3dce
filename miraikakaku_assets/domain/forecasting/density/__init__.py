"""How far a price may go: the expected size of a move, and what past errors make of it."""
