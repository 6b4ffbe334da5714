"""Collects submissions, keeps their reports, and computes grades from them."""
