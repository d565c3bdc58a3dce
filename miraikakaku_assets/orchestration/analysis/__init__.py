"""Assets and jobs of longer bars, indicators and patterns, and the pictures their runs show."""
