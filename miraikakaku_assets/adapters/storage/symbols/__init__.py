"""What is known of one instrument, across the tables of masters, restatements and the quarantine."""
