"""dlgrade: graded deep-learning exercises and the grader that checks them."""

__version__ = "0.1.0"
