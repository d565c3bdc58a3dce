"""Use cases that watch the sources and the installation."""
