"""Stock masters and instruments."""
