"""Use cases of every day's forecasts: train, predict, score, replay, show. The past is judged in `backtest`."""
