"""Forecasters that need a library, each behind the contract of `domain.forecasting.contract`.

Formulas without one belong to `domain.forecasting`.
"""
