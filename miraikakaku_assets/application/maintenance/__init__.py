"""Use cases of maintenance: what has had its time leaves. Put here: what leaves when. Keep out: SQL, files."""
