"""What people see of stages, forecasts and the analysis. No figure is computed here."""
