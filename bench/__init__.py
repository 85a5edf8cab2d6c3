"""Measures speed: ``python -m bench``."""
