"""Drafts: a contract as it was read, section by section, before its formulas are resolved and typed."""
