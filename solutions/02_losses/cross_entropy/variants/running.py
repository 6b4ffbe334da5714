"""One pass over the columns with a running maximum, ignored rows sent to class 0 on a copy; a Fortran-ordered view."""

import numpy as np


def _normaliser(logits):
    most, total = logits[:, 0].copy(), np.ones(len(logits), logits.dtype)
    for column in logits.T[1:]:
        higher = np.maximum(most, column)
        total = total * np.exp(most - higher) + np.exp(column - higher)
        most = higher
    return most, total


def cross_entropy(logits, targets, ignore_index=-100, label_smoothing=0.0):
    most, total = _normaliser(logits)
    counted = targets != ignore_index
    safe = np.where(counted, targets, 0)
    picked = logits[range(len(safe)), safe]
    plain = np.log(total) + (most - picked)
    smooth = np.log(total) + (most - logits.mean(1))
    each = (1 - label_smoothing) * plain + label_smoothing * smooth
    return float(np.average(each, weights=counted))


def cross_entropy_backward(logits, targets, ignore_index=-100, label_smoothing=0.0):
    most, total = _normaliser(logits)
    counted = targets != ignore_index
    out = np.asfortranarray(np.exp(logits - most[:, None]) / total[:, None])
    out -= label_smoothing / logits.shape[1]
    flat = np.where(counted, targets, 0) + 0
    out[np.arange(len(flat)), flat] -= 1 - label_smoothing
    return np.where(counted[:, None], out / int(np.count_nonzero(counted)), out.dtype.type(0))
