"""What weakens an installation, judged from facts: versions, modes, addresses, roles. Keep out: gathering them."""
