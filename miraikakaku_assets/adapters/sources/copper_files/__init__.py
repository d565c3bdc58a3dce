"""A folder into which files of copper prices are dropped."""
