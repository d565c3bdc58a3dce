"""The contract of forecasters, those that are a formula, and how forecasts are combined, judged and compared.

Models that need a library belong to `adapters.forecasters`.
"""
