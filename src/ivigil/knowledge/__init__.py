"""Curated facts: data files in ``data/``, their typed records, the loader, the overlay and the checks."""
