import heapq
from dataclasses import dataclass, field


@dataclass(order=True)
class Node:
    cost: float
    rank: int
    token: int
    parent: object = field(compare=False, default=None)

    def tokens(self):
        node, found = self, []
        while node.parent is not None:
            found.append(node.token)
            node = node.parent
        return found[::-1]


def beam_search(step, bos, eos, beam_width, max_len, length_penalty=0.0):
    def grow(live, rounds):
        if not live or rounds == 0:
            return live
        children = (
            Node(parent.cost - float(logp), rank, token, parent)
            for rank, parent in enumerate(live)
            for token, logp in enumerate(step([bos] + parent.tokens()))
        )
        best = heapq.nsmallest(beam_width, children)
        ended = [node for node in best if node.token == eos]
        return ended + grow([node for node in best if node.token != eos], rounds - 1)

    def ranked(node):
        tokens = node.tokens()
        return [-node.cost / len(tokens) ** length_penalty, tokens]

    results = [ranked(node) for node in grow([Node(0.0, 0, bos)], max_len)]
    return [(tokens, score) for score, tokens in sorted(results, key=lambda r: (-r[0], r[1]))][:beam_width]
