"""Fuzzing: whatever comes from outside ends in an answer that holds its promises, or in a typed error.

A target is a parser with a corpus of inputs that are kept; new ways of breaking one go into `targets`, new inputs into
``corpus/<target>``. What a parser means by its answers is tested elsewhere.
"""
