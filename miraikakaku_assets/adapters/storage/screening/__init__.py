"""One row per instrument of all that is known of it, filtered, sorted and cut in the database."""
