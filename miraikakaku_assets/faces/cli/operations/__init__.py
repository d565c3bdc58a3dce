"""Commands about the installation itself. Put here: backups, maintenance. Keep out: rules, SQL."""
