import numpy as np


def beam_search(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    live = [(0.0, [bos])]
    done = []
    while live:
        candidates = []
        for rank, (total, prefix) in enumerate(live):
            logp = step(prefix)
            for token in range(len(logp)):
                candidates.append((total + logp[token], rank, token))
        # one selection after the other
        chosen = []
        while candidates and len(chosen) < beam_width:
            best = candidates[0]
            for candidate in candidates[1:]:
                if candidate[0] > best[0]:
                    best = candidate
            candidates.remove(best)
            chosen.append(best)
        following = []
        for total, rank, token in chosen:
            tokens = live[rank][1] + [token]
            if token == eos or len(tokens) == max_len + 1:
                done.append((total / (len(tokens) - 1) ** length_penalty, tokens[1:]))
            else:
                following.append((total, tokens))
        live = following
    done.sort(key=lambda item: item[1])
    done.sort(key=lambda item: item[0], reverse=True)
    return [(tokens, score) for score, tokens in done[:beam_width]]
