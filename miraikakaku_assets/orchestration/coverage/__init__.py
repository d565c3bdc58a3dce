"""Assets of the coverage reports and their checks. How coverage is counted belongs to `domain.coverage`."""
