"""A mixture of two whole losses, each row by recursion; a zero-dimensional float64 whatever the input's dtype."""

import numpy as np


def _lse(scores):
    if len(scores) == 1:
        return scores[0]
    half = len(scores) // 2
    return np.logaddexp(_lse(scores[:half]), _lse(scores[half:]))


def cross_entropy(logits, targets, ignore_index=-100, label_smoothing=0.0):
    rows = [(row.astype(np.float64), int(t)) for row, t in zip(logits, targets) if int(t) != ignore_index]
    hard = np.array([_lse(row) - row[t] for row, t in rows])
    soft = np.array([_lse(row) - row.mean() for row, _ in rows])
    return np.float64((1 - label_smoothing) * hard.mean() + label_smoothing * soft.mean())


def cross_entropy_backward(logits, targets, ignore_index=-100, label_smoothing=0.0):
    classes = logits.shape[1]
    uniform = np.full(classes, 1 / classes)
    count = int((targets != ignore_index).sum())
    rows = []
    for row, t in zip(logits.astype(np.float64), targets):
        if t == ignore_index:
            rows.append(np.zeros(classes))
            continue
        p = np.exp(row - row.max())
        p = p / p.sum()
        rows.append(((1 - label_smoothing) * (p - (np.arange(classes) == t)) + label_smoothing * (p - uniform)) / count)
    return np.stack(rows).astype(logits.dtype)
