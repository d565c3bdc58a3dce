"""Which backups are kept, and for how long. Put here: rules. Keep out: files, databases, clocks."""
