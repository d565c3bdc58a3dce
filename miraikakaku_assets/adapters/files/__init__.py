"""Files below the state folder: published lists, reports and trained models."""
