"""The chart of candles: TradingView's lightweight-charts 5.2.1 (Apache License 2.0, LICENSE) in a component of ours.

``lightweight-charts.mjs`` is npm's ``dist/lightweight-charts.standalone.production.mjs``, unchanged.
"""
