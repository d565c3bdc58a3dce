"""Parsers as targets, by where their input comes from; none of them knows how inputs are made."""
