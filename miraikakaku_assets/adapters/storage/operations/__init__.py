"""Health and performance: heartbeats, samples, reviews, PostgreSQL's own statistics. Keep out: judging them."""
