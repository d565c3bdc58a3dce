"""Bars from files: archives, imports, and the folder of real data that forecasts are judged on."""
