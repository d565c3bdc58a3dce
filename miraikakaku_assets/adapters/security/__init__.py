"""Facts for the security scan, and upgraded locks. Put here: what asks a tool or the machine. Keep out: judging."""
