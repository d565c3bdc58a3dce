"""Instruments, universes, sessions, stock masters and price limits. Bars belong to `domain.bars`."""
