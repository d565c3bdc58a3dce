"""The rules, a file per topic, with the subjects they look at. Keep out: telling people, and reading the subjects."""
