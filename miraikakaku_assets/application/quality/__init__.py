"""Use cases that measure how good stored bars are. Rules for single rows belong to `domain.bars`."""
