"""What is asked of stored data: suites, health of series, usual days. Rules for incoming rows belong to `domain.bars`."""
