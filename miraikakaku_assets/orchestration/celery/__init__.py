"""Runs on many machines: launcher, workers and who minds a run. Keep out: who counts as lost, a rule of the domain.

Importing this package needs the extra ``celery``.
"""
