"""Grades and reports in the forms that other programs read: a module for each, pure functions from values to bytes."""
