from bisect import insort


# Log-probabilities are at most 0: once beam_width hypotheses are finished, a live one that is strictly below them
# even with its present sum cannot come in (without a penalty; with one, only full length can be judged).
def beam_search(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    memory = {}

    def ask(prefix):
        key = tuple(prefix)
        if key not in memory:
            memory[key] = step(prefix).tolist()
        return memory[key]

    live, best = [([bos], 0.0)], []
    for length in range(1, max_len + 1):
        pool = []
        for rank, (prefix, total) in enumerate(live):
            for token, logp in enumerate(ask(prefix)):
                insort(pool, (-(total + logp), rank, token))
                del pool[beam_width:]
        previous, live = live, []
        for cost, rank, token in pool:
            prefix = previous[rank][0] + [token]
            if token == eos or length == max_len:
                insort(best, (cost / length**length_penalty, prefix[1:]))
                del best[beam_width:]
            else:
                live.append((prefix, -cost))
        if len(best) == beam_width and all(-total / max_len**length_penalty > best[-1][0] for _, total in live):
            break
    return [[tokens, -cost] and (tokens, -cost) for cost, tokens in best]
