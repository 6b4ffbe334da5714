import numpy as np
from collections import defaultdict


class Statistics:
    def __init__(self, max_n):
        self.correct = np.zeros(max_n, dtype=int)
        self.total = np.zeros(max_n, dtype=int)
        self.lengths = np.zeros(2, dtype=int)

    def __iadd__(self, pair):
        hypothesis, translations = pair
        limits = defaultdict(int)
        for reference in translations:
            for gram, count in self.all_orders(reference).items():
                limits[gram] = max(limits[gram], count)
        for gram, count in self.all_orders(hypothesis).items():
            self.total[len(gram) - 1] += count
            self.correct[len(gram) - 1] += min(count, limits[gram])
        here = len(hypothesis)
        near = min((len(reference) for reference in translations), key=lambda k: 2 * abs(k - here) + (k > here))
        self.lengths += (here, near)
        return self

    def all_orders(self, tokens):
        counts = defaultdict(int)
        for start in range(len(tokens)):
            for stop in range(start + 1, min(start + len(self.total), len(tokens)) + 1):
                counts[tuple(tokens[start:stop])] += 1
        return counts


def bleu(hypotheses, references, max_n=4, smoothing="none"):
    statistics = Statistics(max_n)
    for pair in zip(hypotheses, references):
        statistics += pair
    c, r = statistics.lengths
    with np.errstate(all="ignore"):
        precision = statistics.correct / statistics.total
        if smoothing == "exp" and statistics.correct.any():
            missing = statistics.correct == 0
            precision[missing] = 0.5 ** np.arange(1, missing.sum() + 1) / statistics.total[missing]
        precision[statistics.total == 0] = 0
        score = np.exp(np.mean(np.log(precision)) + min(0, 1 - r / c if c else 0))
    return np.array(score)  # of no dimensions
