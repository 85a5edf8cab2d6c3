"""Chapters of a written record: one for each kind of care, practice by practice."""
