"""Use cases about bars that lie in files beside the database: moving, restoring, verifying. Keep out: SQL, files."""
