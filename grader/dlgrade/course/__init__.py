"""Courses on disk: finding, loading, starting, releasing, proving and extending them."""
