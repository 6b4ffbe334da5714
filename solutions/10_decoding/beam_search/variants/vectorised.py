import numpy as np


def beam_search(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    prefixes = np.array([[bos]])
    totals = np.zeros(1)
    tokens_of, totals_of = [], []
    for round_ in range(1, max_len + 1):
        table = totals[:, np.newaxis] + np.array([step(row.tolist()) for row in prefixes])
        size = table.shape[1]
        flat = table.ravel()
        order = np.lexsort((np.arange(flat.size), -flat))[:beam_width]
        prefixes = np.concatenate([prefixes[order // size], (order % size)[:, np.newaxis]], axis=1)
        totals = flat[order]
        over = (prefixes[:, -1] == eos) | (round_ == max_len)
        tokens_of += list(prefixes[over, 1:])
        totals_of += list(totals[over])
        prefixes, totals = prefixes[~over], totals[~over]
        if len(prefixes) == 0:
            break
    lengths = np.array([len(tokens) for tokens in tokens_of])
    scores = np.array(totals_of) / np.power(lengths, length_penalty)
    pairs = [(list(tokens), score) for tokens, score in zip(tokens_of, scores)]  # NumPy scalars throughout
    pairs.sort(key=lambda pair: [int(token) for token in pair[0]])
    pairs.sort(key=lambda pair: -pair[1])
    return pairs[:beam_width]
