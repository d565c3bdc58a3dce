"""Coverage: what is missing and its repair, and the modes of the coverage batch."""
