"""A right submission: cross-entropy by way of the log-sum-exp."""

import numpy as np


def _log_probabilities(logits):
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def cross_entropy(logits, targets, ignore_index=-100, label_smoothing=0.0):
    log_p = _log_probabilities(logits)
    counts = targets != ignore_index
    rows = np.flatnonzero(counts)
    picked = log_p[rows, targets[rows]]
    spread = log_p[rows].mean(axis=1)
    return -((1 - label_smoothing) * picked + label_smoothing * spread).mean()


def cross_entropy_backward(logits, targets, ignore_index=-100, label_smoothing=0.0):
    counts = targets != ignore_index
    rows = np.flatnonzero(counts)
    grad = np.exp(_log_probabilities(logits)) - label_smoothing / logits.shape[1]
    grad[rows, targets[rows]] -= 1 - label_smoothing
    grad[~counts] = 0
    return (grad / len(rows)).astype(logits.dtype)
