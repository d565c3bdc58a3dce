"""What a bar must be, and how bars are judged, adjusted and aggregated.

What is computed from bars belongs to `indicators`, `patterns` and `forecasting`.
"""
