"""A full table of wanted probabilities, masks multiplied in."""

import numpy as np


def _wanted(logits, targets, ignore_index, smoothing):
    classes = logits.shape[1]
    counted = (targets != ignore_index).astype(logits.dtype)[:, None]
    hot = (targets[:, None] == np.arange(classes)).astype(logits.dtype)
    return counted * (hot * (1 - smoothing) + smoothing / classes), counted


def cross_entropy(logits, targets, ignore_index=-100, label_smoothing=0.0):
    wanted, counted = _wanted(logits, targets, ignore_index, label_smoothing)
    shifted = logits - logits.max(1, keepdims=True)
    log_probs = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
    return -np.sum(wanted * log_probs) / np.sum(counted)


def cross_entropy_backward(logits, targets, ignore_index=-100, label_smoothing=0.0):
    wanted, counted = _wanted(logits, targets, ignore_index, label_smoothing)
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return (powers / powers.sum(1, keepdims=True) * counted - wanted) / counted.sum()
