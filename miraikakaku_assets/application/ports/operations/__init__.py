"""Ports of what keeps an installation running: backups, maintenance, health, watching, security. Keep out: prices."""
