"""The REST API: a router per topic, put together in `app`. Use cases and read stores answer; no SQL here."""
