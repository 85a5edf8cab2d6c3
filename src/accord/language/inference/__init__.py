"""Inference: a parsed formula becomes a resolved, typed node, or is refused with how to mend it."""
