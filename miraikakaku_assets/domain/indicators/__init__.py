"""Technical indicators and candlesticks of bars. What they mean together belongs to `domain.patterns`."""
