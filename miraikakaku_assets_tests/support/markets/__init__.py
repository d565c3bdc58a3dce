"""Listed issues and their publications, stored and analysed markets, alerts of signals."""
