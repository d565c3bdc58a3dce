"""Dagster's web server, asked over GraphQL. Nothing here imports Dagster: the API process stays small."""
