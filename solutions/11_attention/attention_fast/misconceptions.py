"""Wrong and slow versions of attention_fast that students write, and what cures each."""

import math

import torch
from dlgrade.author import misconception

# -- a right attention in pieces, of which each misconception gets one wrong -------------------------------------------


def _scores(q, k):
    return q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])


def _ahead(scores, diagonal=1):
    """Where a causal query does not look."""
    return torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(diagonal)


def _hidden(scores, causal):
    return scores.masked_fill(_ahead(scores), -torch.inf) if causal else scores


def _softmax(scores):
    powers = torch.exp(scores - scores.amax(-1, keepdim=True))
    return powers / powers.sum(-1, keepdim=True)


def _attention(scores, v, causal):
    return _softmax(_hidden(scores, causal)) @ v


# -- the scores --------------------------------------------------------------------------------------------------------


@misconception(of="attention_fast", caught_by="odds_are_those_of_the_scaled_scores")
def forgets_the_scale(q, k, v, causal=False):
    """You use q · k as the score: divide it by sqrt(d), d being the width of the queries and keys."""
    return _attention(q @ k.transpose(-1, -2), v, causal)


@misconception(of="attention_fast", caught_by="odds_are_those_of_the_scaled_scores")
def divides_by_d(q, k, v, causal=False):
    """You divide the scores by d: divide by its square root, which is what a sum of d random products grows by."""
    return _attention(q @ k.transpose(-1, -2) / q.shape[-1], v, causal)


@misconception(of="attention_fast", caught_by="odds_are_those_of_the_scaled_scores")
def multiplies_by_the_scale(q, k, v, causal=False):
    """You multiply the scores by sqrt(d), which makes the softmax harder the wider the keys are: divide by it."""
    return _attention(q @ k.transpose(-1, -2) * math.sqrt(q.shape[-1]), v, causal)


@misconception(of="attention_fast", caught_by="odds_are_those_of_the_scaled_scores")
def scales_both_sides(q, k, v, causal=False):
    """You divide the queries by sqrt(d) and the keys too, and so the scores by d: divide one of them, or each by the
    fourth root of d."""
    root = math.sqrt(q.shape[-1])
    return _attention((q / root) @ (k / root).transpose(-1, -2), v, causal)


@misconception(of="attention_fast", caught_by="odds_are_those_of_the_scaled_scores")
def scales_by_the_number_of_keys(q, k, v, causal=False):
    """You divide the scores by sqrt(m), of the number of keys: it is sqrt(d), of their width, k.shape[-1]."""
    return _attention(q @ k.transpose(-1, -2) / math.sqrt(k.shape[-2]), v, causal)


@misconception(of="attention_fast", caught_by="odds_are_those_of_the_scaled_scores")
def scales_by_the_number_of_queries(q, k, v, causal=False):
    """You divide the scores by sqrt(n), of the number of queries: it is sqrt(d), of their width, q.shape[-1]."""
    return _attention(q @ k.transpose(-1, -2) / math.sqrt(q.shape[-2]), v, causal)


@misconception(of="attention_fast", caught_by="agrees")
def scales_by_the_width_of_the_values(q, k, v, causal=False):
    """You divide the scores by sqrt(e), of the width of the values: it is sqrt(d), of the queries and keys."""
    return _attention(q @ k.transpose(-1, -2) / math.sqrt(v.shape[-1]), v, causal)


@misconception(of="attention_fast", caught_by="agrees")
def scales_by_the_width_of_the_model(q, k, v, causal=False):
    """You divide by the square root of d times the number of heads, the width of the model. Each head's dot product has
    d terms only: divide by sqrt(d), whatever the leading dimensions are."""
    heads = q.shape[-3] if q.ndim > 2 else 1
    return _attention(q @ k.transpose(-1, -2) / math.sqrt(heads * q.shape[-1]), v, causal)


@misconception(of="attention_fast", caught_by="odds_are_those_of_the_scaled_scores")
def reshapes_the_keys(q, k, v, causal=False):
    """You reshape the keys to (d, m), which mixes them up: transpose them, k.transpose(-1, -2)."""
    flat = k.reshape(*k.shape[:-2], k.shape[-1], k.shape[-2])
    return _attention(q @ flat / math.sqrt(q.shape[-1]), v, causal)


@misconception(of="attention_fast", caught_by="agrees")
def transposes_fixed_dimensions(q, k, v, causal=False):
    """You transpose the dimensions 1 and 2 of the keys, which are the right ones only for three dimensions: count from
    the end, k.transpose(-1, -2)."""
    return _attention(q @ k.transpose(1, 2) / math.sqrt(q.shape[-1]), v, causal)


@misconception(of="attention_fast", caught_by="agrees")
def turns_all_dimensions_round(q, k, v, causal=False):
    """k.T turns all dimensions round, the leading ones too: transpose the last two, k.transpose(-1, -2) or k.mT."""
    return _attention(q @ k.permute(*range(k.ndim - 1, -1, -1)) / math.sqrt(q.shape[-1]), v, causal)


# -- the softmax -------------------------------------------------------------------------------------------------------


@misconception(of="attention_fast", caught_by="agrees")
def overflows(q, k, v, causal=False):
    """exp() of a large score overflows, and inf / inf is NaN: subtract each query's largest score first."""
    powers = torch.exp(_hidden(_scores(q, k), causal))
    return powers @ v / powers.sum(-1, keepdim=True)


@misconception(of="attention_fast", caught_by="agrees")
def subtracts_the_maximum_of_everything(q, k, v, causal=False):
    """You subtract the largest score of all queries; one whose scores are far below it underflows to 0 / 0. Each query
    needs its own maximum: scores.amax(-1, keepdim=True)."""
    scores = _hidden(_scores(q, k), causal)
    powers = torch.exp(scores - scores.max())
    return powers @ v / powers.sum(-1, keepdim=True)


@misconception(of="attention_fast", caught_by="agrees")
def subtracts_the_maximum_of_each_head(q, k, v, causal=False):
    """You subtract the largest score of all queries of a head; one whose scores are far below it underflows to 0 / 0.
    Each query needs its own maximum: scores.amax(-1, keepdim=True)."""
    scores = _hidden(_scores(q, k), causal)
    powers = torch.exp(scores - scores.amax((-2, -1), keepdim=True))
    return powers @ v / powers.sum(-1, keepdim=True)


@misconception(of="attention_fast", caught_by="agrees")
def clamps_the_scores(q, k, v, causal=False):
    """You clamp the scores so that exp() cannot overflow, and two that are beyond the bound become equal: subtract each
    query's largest score instead."""
    return _attention(_scores(q, k).clamp(-80, 80), v, causal)


@misconception(of="attention_fast", caught_by="what_lies_ahead_may_be_anything")
def keys_ahead_set_the_maximum(q, k, v, causal=False):
    """You subtract the maximum over all keys, those ahead too: if one of them leads by hundreds, all that is seen
    underflows to 0 / 0. Hide the scores before you take the maximum."""
    scores = _scores(q, k)
    powers = torch.exp(_hidden(scores - scores.amax(-1, keepdim=True), causal))
    return powers @ v / powers.sum(-1, keepdim=True)


@misconception(of="attention_fast", caught_by="equal_values_come_out")
def softmax_over_the_queries(q, k, v, causal=False):
    """You take the softmax along the queries, so that each key's weights sum to 1: take it along the last dimension,
    the keys, so that each query's do."""
    powers = torch.exp(_hidden(_scores(q, k), causal) - _scores(q, k).amax(-2, keepdim=True))
    return powers / powers.sum(-2, keepdim=True) @ v


@misconception(of="attention_fast", caught_by="equal_values_come_out")
def normalises_over_dimension_one(q, k, v, causal=False):
    """You sum the exponentials over dimension 1, which are the keys only where there are no leading dimensions: count
    from the end, sum(-1, keepdim=True)."""
    scores = _hidden(_scores(q, k), causal)
    powers = torch.exp(scores - scores.amax(-1, keepdim=True))
    return powers / powers.sum(1, keepdim=True) @ v


@misconception(of="attention_fast", caught_by="equal_values_come_out")
def forgets_to_normalise(q, k, v, causal=False):
    """Your weights do not sum to 1: divide by the sum of the exponentials along the last dimension."""
    scores = _hidden(_scores(q, k), causal)
    return torch.exp(scores - scores.amax(-1, keepdim=True)) @ v


@misconception(of="attention_fast", caught_by="equal_values_come_out")
def divides_by_a_little_more(q, k, v, causal=False):
    """You add a small number to the sum of exponentials for fear of dividing by 0. With the maximum subtracted that sum
    is at least 1: nothing has to be added, and what is added makes the weights sum to less than 1."""
    scores = _hidden(_scores(q, k), causal)
    powers = torch.exp(scores - scores.amax(-1, keepdim=True))
    return powers @ v / (powers.sum(-1, keepdim=True) + 1e-8)


# -- causal ------------------------------------------------------------------------------------------------------------


@misconception(of="attention_fast", caught_by="causal_sees_the_keys_up_to_its_place")
def ignores_causal(q, k, v, causal=False):
    """You pay no attention to `causal`: with it, query i sees the keys j <= i only."""
    return _attention(_scores(q, k), v, False)


@misconception(of="attention_fast", caught_by="causal_sees_the_keys_up_to_its_place")
def does_not_see_itself(q, k, v, causal=False):
    """You hide the key at the query's own place too, and the first query sees nothing: hide where j > i only, which is
    triu(1), not triu(0)."""
    scores = _scores(q, k)
    return _softmax(scores.masked_fill(_ahead(scores, 0), -torch.inf) if causal else scores) @ v


@misconception(of="attention_fast", caught_by="causal_sees_the_keys_up_to_its_place")
def sees_one_ahead(q, k, v, causal=False):
    """Query i sees key i + 1 too: hide where j > i, which is triu(1), not triu(2)."""
    scores = _scores(q, k)
    return _softmax(scores.masked_fill(_ahead(scores, 2), -torch.inf) if causal else scores) @ v


@misconception(of="attention_fast", caught_by="causal_sees_the_keys_up_to_its_place")
def sees_only_what_is_ahead(q, k, v, causal=False):
    """You hide the past and show what lies ahead: it is j > i that is hidden, the part above the diagonal."""
    scores = _scores(q, k)
    return _softmax(scores.masked_fill(~_ahead(scores, 0), -torch.inf) if causal else scores) @ v


@misconception(of="attention_fast", caught_by="causal_sees_the_keys_up_to_its_place")
def aligns_the_ends(q, k, v, causal=False):
    """You align the last query with the last key, as is done when earlier keys are kept from earlier steps. Here query
    i sees keys j <= i also where n and m differ: both are counted from the first."""
    scores = _scores(q, k)
    n, m = scores.shape[-2:]
    return _softmax(scores.masked_fill(_ahead(scores, 1 + m - n), -torch.inf) if causal else scores) @ v


@misconception(of="attention_fast", caught_by="causal_sees_the_keys_up_to_its_place")
def zeroes_the_scores_ahead(q, k, v, causal=False):
    """You set the scores ahead to 0, but exp(0) is 1, so those keys keep a weight: their scores must be -inf."""
    scores = _scores(q, k)
    return _softmax(scores.tril() if causal else scores) @ v


@misconception(of="attention_fast", caught_by="equal_values_come_out")
def hides_after_the_softmax(q, k, v, causal=False):
    """You set weights to 0 after the softmax, so that the others no longer sum to 1: hide the scores before it."""
    weights = _softmax(_scores(q, k))
    return (weights.tril() if causal else weights) @ v


@misconception(of="attention_fast", caught_by="agrees")
def hides_behind_a_finite_score(q, k, v, causal=False):
    """You give hidden keys a finite score such as -1e9, and a query whose own scores are lower still looks at them:
    hide them with -torch.inf."""
    scores = _scores(q, k)
    return _softmax(scores.masked_fill(_ahead(scores), -1e9) if causal else scores) @ v


@misconception(of="attention_fast", caught_by="agrees")
def adds_a_finite_score(q, k, v, causal=False):
    """You add -1e9 to hidden scores, and a query whose own scores are lower still looks at them: hide them with
    -torch.inf."""
    scores = _scores(q, k)
    return _softmax(scores + _ahead(scores) * -1e9 if causal else scores) @ v


@misconception(of="attention_fast", caught_by="causal_sees_the_keys_up_to_its_place")
def makes_a_square_mask(q, k, v, causal=False):
    """Your mask has n rows and n columns: there are m keys, and the mask of n queries is n × m."""
    scores = _scores(q, k)
    n = q.shape[-2]
    ahead = torch.ones(n, n, dtype=torch.bool, device=q.device).triu(1)
    return _softmax(scores.masked_fill(ahead, -torch.inf) if causal else scores) @ v


@misconception(of="attention_fast", caught_by="agrees")
def hides_behind_minus_ten_thousand(q, k, v, causal=False):
    """You give hidden keys a finite score such as -1e4, and a query whose own scores are lower still looks at them:
    hide them with -torch.inf."""
    scores = _scores(q, k)
    return _softmax(scores.masked_fill(_ahead(scores), -1e4) if causal else scores) @ v


# -- tensors -----------------------------------------------------------------------------------------------------------


@misconception(of="attention_fast", caught_by="agrees")
def scales_the_queries_in_place(q, k, v, causal=False):
    """You scale the caller's queries in place: q /= … writes into the tensor that you were given. Write q = q / …."""
    q /= math.sqrt(q.shape[-1])
    return _attention(q @ k.transpose(-1, -2), v, causal)


@misconception(of="attention_fast", caught_by="agrees")
def views_what_is_not_contiguous(q, k, v, causal=False):
    """view() raises for a tensor whose elements do not lie side by side, and yours may come with any strides: use
    reshape(), or a product that takes leading dimensions as they are."""
    flat = [tensor.view(-1, *tensor.shape[-2:]) for tensor in (q, k, v)]
    return _attention(_scores(*flat[:2]), flat[2], causal).view(*q.shape[:-1], v.shape[-1])


@misconception(of="attention_fast", caught_by="agrees")
def answers_in_float32(q, k, v, causal=False):
    """You compute in float32 although you are given float64, and lose half of its digits: keep the dtype."""
    return _attention(_scores(q.float(), k.float()), v.float(), causal)


@misconception(of="attention_fast", caught_by="agrees")
def answers_in_float64(q, k, v, causal=False):
    """You return float64 for float32 inputs: keep their dtype."""
    return _attention(_scores(q.double(), k.double()), v.double(), causal)


@misconception(of="attention_fast", caught_by="float32_stays_float32")
def computes_in_float64(q, k, v, causal=False):
    """You compute in float64 and round at the end: twice the memory traffic on a CPU, and on many a GPU 64 times the
    time. With the maximum subtracted float32 is good enough."""
    return _attention(_scores(q.double(), k.double()), v.double(), causal).to(q.dtype)


@misconception(of="attention_fast", caught_by="gradient")
def detaches_the_sum(q, k, v, causal=False):
    """You detach the sum of exponentials, and autograd takes it for a constant: only the maximum may be one, since the
    softmax does not depend on it."""
    scores = _hidden(_scores(q, k), causal)
    powers = torch.exp(scores - scores.detach().amax(-1, keepdim=True))
    return powers @ v / powers.sum(-1, keepdim=True).detach()


@misconception(of="attention_fast", caught_by="gradient")
def detaches_the_queries(q, k, v, causal=False):
    """You take the queries out of autograd's record with .detach() or .data, and their gradient is zero."""
    return _attention(_scores(q.detach(), k), v, causal)


@misconception(of="attention_fast", caught_by="gradient")
def detaches_the_weights(q, k, v, causal=False):
    """You detach the weights: autograd finds the way to the values only, not to the queries and keys."""
    return _softmax(_hidden(_scores(q, k), causal)).detach() @ v


@misconception(of="attention_fast", caught_by="gradient")
def records_nothing(q, k, v, causal=False):
    """You compute under torch.no_grad(), and autograd records nothing: leave it out, whoever calls you decides."""
    with torch.no_grad():
        return _attention(_scores(q, k), v, causal)


# -- right, but slow ---------------------------------------------------------------------------------------------------


@misconception(of="attention_fast", caught_by="runs_no_loop")
def loops_over_the_heads(q, k, v, causal=False):
    """You loop over the leading indices: a product of tensors does all of them in one call, and a GPU all of them at
    the same time."""
    heads = [tensor.reshape(-1, *tensor.shape[-2:]) for tensor in (q, k, v)]
    out = [_attention(_scores(one_q, one_k), one_v, causal) for one_q, one_k, one_v in zip(*heads, strict=True)]
    return torch.stack(out).reshape(*q.shape[:-1], v.shape[-1])


@misconception(of="attention_fast", caught_by="memory_grows_with_the_scores")
def multiplies_before_it_sums(q, k, v, causal=False):
    """You multiply every query by every key element by element, n × m × d numbers, and sum afterwards: a matrix
    product, q @ k.transpose(-1, -2), makes only the sums."""
    scores = (q.unsqueeze(-2) * k.unsqueeze(-3)).sum(-1) / math.sqrt(q.shape[-1])
    return _attention(scores, v, causal)


@misconception(of="attention_fast", caught_by="fast")
def weighs_values_one_by_one(q, k, v, causal=False):
    """You multiply every weight by every value, n × m × e numbers, and sum afterwards: a matrix product, weights @ v,
    makes only the sums."""
    weights = _softmax(_hidden(_scores(q, k), causal))
    return (weights.unsqueeze(-1) * v.unsqueeze(-3)).sum(-2)


@misconception(of="attention_fast", caught_by="fast")
def loops_over_the_queries(q, k, v, causal=False):
    """You loop over the queries: each round is a product of one row, and reads all keys and values again. One matrix
    product does all rows: q @ k.transpose(-1, -2)."""
    out = []
    for i in range(q.shape[-2]):
        end = i + 1 if causal else k.shape[-2]
        out.append(_softmax(_scores(q[..., i : i + 1, :], k[..., :end, :])) @ v[..., :end, :])
    return torch.cat(out, -2)


@misconception(of="attention_fast", caught_by="fast")
def loops_over_the_keys(q, k, v, causal=False):
    """You loop over the keys, and each round makes one column of the scores: one matrix product makes them all,
    q @ k.transpose(-1, -2)."""
    columns = [(q * key.unsqueeze(-2)).sum(-1) / math.sqrt(q.shape[-1]) for key in k.unbind(-2)]
    return _attention(torch.stack(columns, -1), v, causal)
