"""Miraikakaku: the packages are the layers that setup.cfg names; docs/architecture.md says what belongs in which."""
