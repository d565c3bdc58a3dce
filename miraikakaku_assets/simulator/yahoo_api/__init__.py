"""Yahoo's v8 chart protocol."""
