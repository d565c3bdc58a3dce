"""The one request rate of a source."""
