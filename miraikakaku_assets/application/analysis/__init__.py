"""Use cases of the analysis: longer bars, indicators, pattern signals and their records. No storage, no drawing."""
