"""Formulas that models which learn have to be better than, and members of the ensembles of their clocks."""
