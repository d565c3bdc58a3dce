"""What is asked of stored data: suites, series, usual days. Rules for incoming rows belong to `domain.bars`."""
