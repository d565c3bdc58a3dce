"""JPX's list of issues."""
