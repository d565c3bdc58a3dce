"""Health, heartbeats, reviews and the health of assets in Dagster. Keep out: thresholds and what follows from them."""
