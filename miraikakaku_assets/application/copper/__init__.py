"""Use cases of the copper curve: collected, judged, shown."""
