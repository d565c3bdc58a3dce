"""Bulk jobs of the REST API as Dagster runs, and the sensor that watches over them."""
