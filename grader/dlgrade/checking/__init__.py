"""Trusted: runs an exercise's checks against a target, says why one failed, and makes the Report."""
