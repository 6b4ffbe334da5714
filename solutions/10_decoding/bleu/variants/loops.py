def bleu(hypotheses, references, max_n=4, smoothing="none"):
    matches = [0] * max_n
    totals = [0] * max_n
    c = 0
    r = 0
    for s in range(len(hypotheses)):
        hyp = hypotheses[s]
        c += len(hyp)
        nearest = None
        for ref in references[s]:
            distance = abs(len(ref) - len(hyp))
            if nearest is None or distance < nearest[0] or (distance == nearest[0] and len(ref) < nearest[1]):
                nearest = (distance, len(ref))
        r += nearest[1]
        for n in range(1, max_n + 1):
            best = {}
            for ref in references[s]:
                counts = {}
                for i in range(len(ref) - n + 1):
                    gram = tuple(ref[i : i + n])
                    counts[gram] = counts.get(gram, 0) + 1
                for gram in counts:
                    if counts[gram] > best.get(gram, 0):
                        best[gram] = counts[gram]
            for i in range(len(hyp) - n + 1):
                gram = tuple(hyp[i : i + n])
                totals[n - 1] += 1
                if best.get(gram, 0) > 0:
                    best[gram] -= 1
                    matches[n - 1] += 1
    if c == 0 or matches[0] == 0:
        return 0.0
    score = 1.0
    k = 0
    for n in range(max_n):
        if totals[n] == 0:
            return 0.0
        if matches[n] == 0:
            if smoothing == "none":
                return 0.0
            k += 1
            score *= (1 / (2**k * totals[n])) ** (1 / max_n)
        else:
            score *= (matches[n] / totals[n]) ** (1 / max_n)
    if c < r:
        score *= 2.718281828459045 ** (1 - r / c)
    return score
