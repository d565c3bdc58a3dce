"""Bars in files: which lie where, how readers meet them, their way out and back. Keep out: the layout of the files."""
