"""Is it indicated, what makes it risky, what else could be done. Now: the screening engine."""
