"""The security scan: its checks, accepted findings, upgraded locks. Keep out: how facts are gathered."""
