"""The domain and pure parts of other layers: no database, no network."""
