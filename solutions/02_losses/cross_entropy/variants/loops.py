"""Plain Python loops, math functions and Python floats."""

import math

import numpy as np


def cross_entropy(logits, targets, ignore_index=-100, label_smoothing=0.0):
    total, rows = 0.0, 0
    for scores, target in zip(logits.tolist(), targets.tolist()):
        if target == ignore_index:
            continue
        most = max(scores)
        log_total = most + math.log(sum(math.exp(score - most) for score in scores))
        total += (1 - label_smoothing) * (log_total - scores[target])
        for score in scores:
            total += label_smoothing / len(scores) * (log_total - score)
        rows += 1
    return total / rows


def cross_entropy_backward(logits, targets, ignore_index=-100, label_smoothing=0.0):
    n, classes = logits.shape
    rows = sum(1 for target in targets.tolist() if target != ignore_index)
    result = [[0.0] * classes for _ in range(n)]
    for i in range(n):
        if targets[i] == ignore_index:
            continue
        scores = [float(score) for score in logits[i]]
        most = max(scores)
        powers = [math.exp(score - most) for score in scores]
        total = sum(powers)
        for j in range(classes):
            wanted = label_smoothing / classes + (1 - label_smoothing if j == targets[i] else 0)
            result[i][j] = (powers[j] / total - wanted) / rows
    return np.array(result, dtype=logits.dtype)
