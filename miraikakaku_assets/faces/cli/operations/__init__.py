"""Commands about the installation itself: alerts, health, watch, backups. Keep out: rules, SQL."""
