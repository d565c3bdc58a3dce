"""Operations: what counts as normal for the machine and the services on it. Keep out: measuring, and what is told."""
