from fractions import Fraction
from functools import reduce
from itertools import accumulate
from math import exp, log


def bleu(hypotheses, references, max_n=4, smoothing="none"):
    def grams(tokens, n):
        return list(zip(*(tokens[i:] for i in range(n))))

    def found(hypothesis, translations, n):
        pools = [grams(reference, n) for reference in translations]
        mine = grams(hypothesis, n)
        return sum(min(mine.count(g), max(pool.count(g) for pool in pools)) for g in {*mine})

    corpus = [*zip(hypotheses, references)]
    orders = range(1, max_n + 1)
    totals = [sum(len(grams(h, n)) for h, _ in corpus) for n in orders]
    matches = [sum(found(h, rs, n) for h, rs in corpus) for n in orders]
    if 0 in totals or not any(matches):
        return 0
    ks = accumulate(m == 0 for m in matches)
    factors = [Fraction(m, t) if m else Fraction(smoothing == "exp", 2**k * t) for m, t, k in zip(matches, totals, ks)]
    product = reduce(lambda a, b: a * b, factors)
    c = sum(map(len, hypotheses))
    r = sum(
        sorted((abs(len(ref) - len(h)), len(ref)) for ref in rs)[0][1] if len(rs) > 1 else len(rs[0])
        for h, rs in corpus
    )
    penalty = 1 if c >= r else exp(1 - Fraction(r, c))
    # The product may be smaller than any float, but its numerator and denominator have logarithms.
    return penalty * exp((log(product.numerator) - log(product.denominator)) / max_n) if product else 0
