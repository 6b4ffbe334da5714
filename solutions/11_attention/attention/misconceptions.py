"""Wrong attentions that students write, and what cures each."""

import numpy as np
from dlgrade.author import misconception

# -- a right attention in pieces, of which each misconception gets one wrong -------------------------------------------


def _scores(q, k):
    return q @ k.swapaxes(-1, -2) / q.shape[-1] ** 0.5


def _triangle(q, k):
    """Where j <= i."""
    return np.tri(q.shape[-2], k.shape[-2], dtype=bool)


def _allowed(q, k, mask, causal):
    allowed = np.ones((*q.shape[:-1], k.shape[-2]), dtype=bool)
    if mask is not None:
        allowed = allowed & mask
    return allowed & _triangle(q, k) if causal else allowed


def _softmax(scores):
    with np.errstate(all="ignore"):
        powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
        return powers / powers.sum(axis=-1, keepdims=True)


def _masked(scores, allowed):
    """The weights over what is allowed; zeros where nothing is."""
    weights = _softmax(np.where(allowed, scores, -np.inf))
    return np.where(allowed.any(axis=-1, keepdims=True), weights, 0)


def _weights(q, k, mask=None, causal=False):
    return _masked(_scores(q, k), _allowed(q, k, mask, causal))


def _result(weights, v):
    return weights @ v, weights


def _of_weights(grad, v):
    """The cotangent of the weights."""
    return grad @ v.swapaxes(-1, -2)


def _of_scores(weights, d_weights):
    """Softmax's vector-Jacobian product."""
    return weights * (d_weights - (weights * d_weights).sum(axis=-1, keepdims=True))


def _gradients(grad, q, k, v, weights, d_scores=None):
    if d_scores is None:
        d_scores = _of_scores(weights, _of_weights(grad, v))
    d_scores = d_scores / q.shape[-1] ** 0.5
    return d_scores @ k, d_scores.swapaxes(-1, -2) @ q, weights.swapaxes(-1, -2) @ grad


def _backward(grad, q, k, v, mask=None, causal=False):
    return _gradients(grad, q, k, v, _weights(q, k, mask, causal))


def _unstable(scores, allowed):
    """exp() without the maximum subtracted."""
    with np.errstate(all="ignore"):
        powers = np.exp(scores) * allowed
        weights = powers / powers.sum(axis=-1, keepdims=True)
    return np.where(allowed.any(axis=-1, keepdims=True), weights, 0)


def _unstable_or_zero(scores, allowed):
    """The same where a sum of 0 is guarded, as a query needs that sees nothing: 0 / 0 comes out as 0, not as NaN."""
    with np.errstate(all="ignore"):
        powers = np.exp(np.where(allowed, scores, -np.inf))
        total = powers.sum(axis=-1, keepdims=True)
        return powers / np.where(total == 0, 1, total)


def _shifted(q, k, allowed, axis, of_all=False):
    """Scores less the largest along these axes, of those that are seen or of all."""
    scores = _scores(q, k)
    seen = scores if of_all else np.where(allowed, scores, -np.inf)
    with np.errstate(all="ignore"):
        return scores - seen.max(axis=axis, keepdims=True)


def _with_an_axis_for_heads(mask, q):
    """A mask of three axes taken for (batch, n, m)."""
    return mask[:, None] if mask is not None and mask.ndim == 3 and q.ndim == 4 else mask


def _of_the_queries(mask, q, k):
    """A mask of one axis taken for one of the queries, where there are as many as keys."""
    return mask[:, None] if mask is not None and mask.ndim == 1 and q.shape[-2] == k.shape[-2] else mask


def _of_the_keys(mask, q, k):
    """A column taken for one of the keys, where there are as many as queries."""
    column = mask is not None and mask.ndim == 2 and mask.shape[1] == 1
    return mask[:, 0] if column and q.shape[-2] == k.shape[-2] else mask


def _squeezed(mask):
    return mask if mask is None else mask.squeeze()


def _below_a_billion(q, k, allowed):
    """The softmax with -1e9 for the hidden scores, and zeros where nothing is seen."""
    return np.where(allowed.any(axis=-1, keepdims=True), _softmax(np.where(allowed, _scores(q, k), -1e9)), 0)


def _lowered_by_a_billion(q, k, allowed):
    """The softmax with -1e9 added to the hidden scores."""
    scores = _scores(q, k)
    return _softmax(scores + np.where(allowed, 0, -1e9).astype(scores.dtype))


def _equal_where_blind(q, k, allowed):
    """The weights, and equal ones where nothing is seen."""
    weights = _masked(_scores(q, k), allowed)
    return np.where(allowed.any(axis=-1, keepdims=True), weights, np.asarray(1 / k.shape[-2], weights.dtype))


def _one_ahead(q, k, mask, causal):
    allowed = _allowed(q, k, mask, False)
    return allowed & np.tri(*allowed.shape[-2:], 1, dtype=bool) if causal else allowed


def _from_the_end(q, k):
    """Where the last query is aligned with the last key."""
    n, m = q.shape[-2], k.shape[-2]
    return np.tri(n, m, m - n, dtype=bool)


# -- the scores --------------------------------------------------------------------------------------------------------


@misconception(of="attention", caught_by="odds_are_those_of_the_scaled_scores")
def forgets_the_scale(q, k, v, mask=None, causal=False):
    """You use q · k as the score: divide it by sqrt(d), d being the width of the queries and keys."""
    return _result(_masked(q @ k.swapaxes(-1, -2), _allowed(q, k, mask, causal)), v)


@misconception(of="attention", caught_by="odds_are_those_of_the_scaled_scores")
def divides_by_d(q, k, v, mask=None, causal=False):
    """You divide the scores by d: divide by its square root, which is what a sum of d random products grows by."""
    return _result(_masked(q @ k.swapaxes(-1, -2) / q.shape[-1], _allowed(q, k, mask, causal)), v)


@misconception(of="attention", caught_by="odds_are_those_of_the_scaled_scores")
def multiplies_by_the_scale(q, k, v, mask=None, causal=False):
    """You multiply the scores by sqrt(d), which makes the softmax harder the wider the keys are: divide by it."""
    return _result(_masked(q @ k.swapaxes(-1, -2) * q.shape[-1] ** 0.5, _allowed(q, k, mask, causal)), v)


@misconception(of="attention", caught_by="odds_are_those_of_the_scaled_scores")
def scales_by_the_number_of_keys(q, k, v, mask=None, causal=False):
    """You divide the scores by sqrt(m), of the number of keys: it is sqrt(d), of their width, k.shape[-1]."""
    return _result(_masked(q @ k.swapaxes(-1, -2) / k.shape[-2] ** 0.5, _allowed(q, k, mask, causal)), v)


@misconception(of="attention", caught_by="odds_are_those_of_the_scaled_scores")
def scales_by_the_number_of_queries(q, k, v, mask=None, causal=False):
    """You divide the scores by sqrt(n), of the number of queries: it is sqrt(d), of their width, q.shape[-1]."""
    return _result(_masked(q @ k.swapaxes(-1, -2) / q.shape[-2] ** 0.5, _allowed(q, k, mask, causal)), v)


@misconception(of="attention", caught_by="odds_are_those_of_the_scaled_scores")
def scales_by_the_width_of_the_values(q, k, v, mask=None, causal=False):
    """You divide the scores by sqrt(e), of the width of the values: it is sqrt(d), of the queries and keys."""
    return _result(_masked(q @ k.swapaxes(-1, -2) / v.shape[-1] ** 0.5, _allowed(q, k, mask, causal)), v)


@misconception(of="attention", caught_by="odds_are_those_of_the_scaled_scores")
def scales_by_the_width_of_the_model(q, k, v, mask=None, causal=False):
    """You divide by the square root of d times the number of heads, the width of the model. Each head's dot product has
    d terms only: divide by sqrt(d), whatever the leading dimensions are."""
    heads = q.shape[-3] if q.ndim > 2 else 1
    return _result(_masked(_scores(q, k) / heads**0.5, _allowed(q, k, mask, causal)), v)


@misconception(of="attention", caught_by="odds_are_those_of_the_scaled_scores")
def reshapes_the_keys(q, k, v, mask=None, causal=False):
    """You reshape the keys to (d, m), which mixes them up: transpose them, k.swapaxes(-1, -2)."""
    scores = q @ k.reshape(*k.shape[:-2], k.shape[-1], k.shape[-2]) / q.shape[-1] ** 0.5
    return _result(_masked(scores, _allowed(q, k, mask, causal)), v)


# -- the softmax -------------------------------------------------------------------------------------------------------


@misconception(of="attention", caught_by="a_common_shift_of_the_keys_changes_nothing")
def overflows(q, k, v, mask=None, causal=False):
    """exp() of a large score overflows, and inf / inf is NaN: subtract each query's largest score first."""
    return _result(_unstable(_scores(q, k), _allowed(q, k, mask, causal)), v)


@misconception(of="attention", caught_by="attention_agrees")
def subtracts_the_maximum_of_everything(q, k, v, mask=None, causal=False):
    """You subtract the largest score of all queries; one whose scores are far below it underflows to 0 / 0. Each query
    needs its own maximum: scores.max(axis=-1, keepdims=True)."""
    allowed = _allowed(q, k, mask, causal)
    scores = np.where(allowed, _scores(q, k), -np.inf)
    with np.errstate(all="ignore"):
        return _result(_unstable(scores - scores.max(), allowed), v)


@misconception(of="attention", caught_by="attention_agrees")
def subtracts_the_maximum_of_each_sample(q, k, v, mask=None, causal=False):
    """You subtract the largest score of all queries of a sample; one whose scores are far below it underflows to 0 / 0.
    Each query needs its own maximum: scores.max(axis=-1, keepdims=True)."""
    allowed = _allowed(q, k, mask, causal)
    return _result(_unstable(_shifted(q, k, allowed, (-2, -1)), allowed), v)


@misconception(of="attention", caught_by="a_common_shift_of_the_keys_changes_nothing")
def overflows_or_gives_zeros(q, k, v, mask=None, causal=False):
    """exp() of a large score overflows, and inf / inf is NaN; of scores far below 0 all are 0, and so is what you
    return. Subtract each query's largest score first."""
    return _result(_unstable_or_zero(_scores(q, k), _allowed(q, k, mask, causal)), v)


@misconception(of="attention", caught_by="attention_agrees")
def zeros_below_the_maximum_of_everything(q, k, v, mask=None, causal=False):
    """You subtract the largest score of all queries; one whose scores are far below it underflows to zeros, as if it
    saw nothing. Each query needs its own maximum: scores.max(axis=-1, keepdims=True)."""
    allowed = _allowed(q, k, mask, causal)
    return _result(_unstable_or_zero(_shifted(q, k, allowed, None), allowed), v)


@misconception(of="attention", caught_by="attention_agrees")
def zeros_below_the_maximum_of_each_sample(q, k, v, mask=None, causal=False):
    """You subtract the largest score of all queries of a sample; one whose scores are far below it underflows to zeros,
    as if it saw nothing. Each query needs its own maximum: scores.max(axis=-1, keepdims=True)."""
    allowed = _allowed(q, k, mask, causal)
    return _result(_unstable_or_zero(_shifted(q, k, allowed, (-2, -1)), allowed), v)


@misconception(of="attention", caught_by="hidden_keys_may_be_anything")
def zeros_below_hidden_scores(q, k, v, mask=None, causal=False):
    """You subtract the maximum over all keys, the hidden ones too: if one of those leads by hundreds, all that is seen
    underflows to zeros. Set hidden scores to -inf before you take the maximum."""
    allowed = _allowed(q, k, mask, causal)
    return _result(_unstable_or_zero(_shifted(q, k, allowed, -1, of_all=True), allowed), v)


@misconception(of="attention", caught_by="hidden_keys_may_be_anything")
def hidden_scores_set_the_maximum(q, k, v, mask=None, causal=False):
    """You subtract the maximum over all keys, the hidden ones too: if one of those leads by hundreds, all that is seen
    underflows to 0 / 0. Set hidden scores to -inf before you take the maximum."""
    scores = _scores(q, k)
    return _result(_unstable(scores - scores.max(axis=-1, keepdims=True), _allowed(q, k, mask, causal)), v)


@misconception(of="attention", caught_by="weights_are_distributions")
def softmax_over_the_queries(q, k, v, mask=None, causal=False):
    """You take the softmax along the queries, so that each key's weights sum to 1: take it along the last axis, the
    keys, so that each query's do."""
    allowed = _allowed(q, k, mask, causal).swapaxes(-1, -2)
    return _result(_masked(_scores(q, k).swapaxes(-1, -2), allowed).swapaxes(-1, -2), v)


@misconception(of="attention", caught_by="weights_are_distributions")
def forgets_to_normalise(q, k, v, mask=None, causal=False):
    """Your weights do not sum to 1: divide the exponentials by their sum along the last axis."""
    allowed = _allowed(q, k, mask, causal)
    scores = np.where(allowed, _scores(q, k), -np.inf)
    with np.errstate(all="ignore"):
        return _result(np.where(allowed, np.exp(scores - scores.max(axis=-1, keepdims=True)), 0), v)


# -- the mask ----------------------------------------------------------------------------------------------------------


@misconception(of="attention", caught_by="false_hides_and_true_does_not")
def true_hides(q, k, v, mask=None, causal=False):
    """You hide the keys where the mask is True: this is right for the masks of PyTorch's nn.MultiheadAttention; here it
    is as in scaled_dot_product_attention, True = may attend."""
    return _result(_weights(q, k, None if mask is None else ~mask, causal), v)


@misconception(of="attention", caught_by="false_hides_and_true_does_not")
def multiplies_the_scores_by_the_mask(q, k, v, mask=None, causal=False):
    """You multiply the scores by the mask, but exp(0) is 1, so a hidden key keeps a weight: its score must be -inf."""
    allowed = _allowed(q, k, mask, causal)
    weights = _softmax(_scores(q, k) * allowed)
    return _result(np.where(allowed.any(axis=-1, keepdims=True), weights, 0), v)


@misconception(of="attention", caught_by="false_hides_and_true_does_not")
def adds_the_mask(q, k, v, mask=None, causal=False):
    """You add the mask to the scores, as is done with a mask of 0 and -inf. This one is bool, and True would add 1:
    turn it into -inf where it is False, np.where(mask, scores, -np.inf)."""
    scores = _scores(q, k)
    scores = scores if mask is None else scores + mask
    return _result(_masked(scores, _allowed(q, k, None, causal)), v)


@misconception(of="attention", caught_by="weights_are_distributions")
def masks_after_the_softmax(q, k, v, mask=None, causal=False):
    """You set weights to 0 after the softmax, so that the others no longer sum to 1: hide the scores before it."""
    return _result(np.where(_allowed(q, k, mask, causal), _softmax(_scores(q, k)), 0), v)


@misconception(of="attention", caught_by="nothing_to_see_gives_zeros")
def averages_where_nothing_is_seen(q, k, v, mask=None, causal=False):
    """A query that may attend to nothing gets the average of all values from you: with one large negative number for
    each score (-1e6 in Dive into Deep Learning) all are equal again. Here its output and weights are zeros."""
    return _result(_softmax(np.where(_allowed(q, k, mask, causal), _scores(q, k), -1e9)), v)


@misconception(of="attention", caught_by="nothing_to_see_gives_zeros")
def equal_weights_where_nothing_is_seen(q, k, v, mask=None, causal=False):
    """A query that may attend to nothing gets equal weights from you, as from hidden scores that all are
    np.finfo(q.dtype).min. Here its output and weights are zeros."""
    return _result(_equal_where_blind(q, k, _allowed(q, k, mask, causal)), v)


@misconception(of="attention", caught_by="nothing_to_see_gives_zeros")
def adds_minus_a_billion(q, k, v, mask=None, causal=False):
    """You add -1e9 to the scores of hidden keys. Where a query may attend to nothing, this lowers all its scores alike
    and hides none; here its output and weights are zeros. Replace hidden scores by -np.inf, and look after such
    queries."""
    return _result(_lowered_by_a_billion(q, k, _allowed(q, k, mask, causal)), v)


@misconception(of="attention", caught_by="nothing_to_see_gives_zeros")
def nan_where_nothing_is_seen(q, k, v, mask=None, causal=False):
    """A query that may attend to nothing gives NaN: all its scores are -inf, and -inf - -inf is NaN. Here its output
    and weights are zeros."""
    return _result(_softmax(np.where(_allowed(q, k, mask, causal), _scores(q, k), -np.inf)), v)


@misconception(of="attention", caught_by="attention_agrees")
def hides_behind_a_finite_score(q, k, v, mask=None, causal=False):
    """You give hidden keys a finite score such as -10,000 or -1e6, and a query whose own scores are lower still looks
    at them: hide them with -np.inf."""
    allowed = _allowed(q, k, mask, causal)
    weights = _softmax(np.where(allowed, _scores(q, k), -1e6))
    return _result(np.where(allowed.any(axis=-1, keepdims=True), weights, 0), v)


@misconception(of="attention", caught_by="attention_agrees")
def hides_behind_minus_a_billion(q, k, v, mask=None, causal=False):
    """You give hidden keys the score -1e9, and a query whose own scores are lower still looks at them: hide them with
    -np.inf."""
    return _result(_below_a_billion(q, k, _allowed(q, k, mask, causal)), v)


@misconception(of="attention", caught_by="attention_agrees")
def loses_what_is_below_minus_a_billion(q, k, v, mask=None, causal=False):
    """You give hidden keys the score -1e9 and take the maximum over them too: where all that a query sees has lower
    scores, its weights underflow to zeros. Hide with -np.inf, and take the maximum then."""
    allowed = _allowed(q, k, mask, causal)
    return _result(np.where(allowed, _below_a_billion(q, k, allowed), 0), v)


@misconception(of="attention", caught_by="leading_dimensions_are_alone")
def a_mask_for_each_sample(q, k, v, mask=None, causal=False):
    """You take a mask of shape (a, n, m) for one of the samples, mask[:, None], where q is (batch, heads, n, d). It
    broadcasts as in NumPy, the last axes first: it is one for each head, the same for all samples."""
    return _result(_weights(q, k, _with_an_axis_for_heads(mask, q), causal), v)


@misconception(of="attention", caught_by="hidden_keys_may_be_anything")
def a_mask_of_the_queries(q, k, v, mask=None, causal=False):
    """You take a mask of one axis for one of the queries, mask[:, None], where n equals m. It broadcasts as in NumPy,
    the last axes first: it says which keys all queries may attend to."""
    return _result(_weights(q, k, _of_the_queries(mask, q, k), causal), v)


@misconception(of="attention", caught_by="attention_agrees")
def a_column_of_the_keys(q, k, v, mask=None, causal=False):
    """You take a mask of shape (n, 1) for one of the keys, mask[:, 0] or mask.T, where n equals m. It broadcasts as in
    NumPy: it says which queries may attend to keys at all."""
    return _result(_weights(q, k, _of_the_keys(mask, q, k), causal), v)


@misconception(of="attention", caught_by="attention_agrees")
def squeezes_the_mask(q, k, v, mask=None, causal=False):
    """You take the axes of size 1 out of the mask, with mask.squeeze(), and NumPy then lines up the others with axes
    that they do not belong to. Leave them in: they broadcast as they are."""
    return _result(_weights(q, k, _squeezed(mask), causal), v)


@misconception(of="attention", caught_by="false_hides_and_true_does_not")
def ignores_the_mask(q, k, v, mask=None, causal=False):
    """Your mask has no effect: give the scores of keys where it is False the value -inf before the softmax."""
    return _result(_weights(q, k, None, causal), v)


@misconception(of="attention", caught_by="causal_is_a_triangular_mask")
def ignores_causal(q, k, v, mask=None, causal=False):
    """causal=True has no effect: hide the keys j > i of query i."""
    return _result(_weights(q, k, mask), v)


@misconception(of="attention", caught_by="causal_is_a_triangular_mask")
def causal_only_where_square(q, k, v, mask=None, causal=False):
    """causal=True has an effect only where n equals m: hide the keys j > i of query i for any n and m, np.tri(n, m)."""
    return _result(_weights(q, k, mask, causal and q.shape[-2] == k.shape[-2]), v)


@misconception(of="attention", caught_by="causal_is_a_triangular_mask")
def hides_the_diagonal(q, k, v, mask=None, causal=False):
    """Your causal queries do not see their own place, and the first sees nothing: query i sees the keys j <= i."""
    allowed = _allowed(q, k, mask, False)
    if causal:
        allowed = allowed & np.tri(*allowed.shape[-2:], -1, dtype=bool)
    return _result(_masked(_scores(q, k), allowed), v)


@misconception(of="attention", caught_by="causal_is_a_triangular_mask")
def sees_one_key_ahead(q, k, v, mask=None, causal=False):
    """Your causal queries see one key ahead, j <= i + 1, as in np.tri(n, m, 1): query i sees the keys j <= i,
    np.tri(n, m)."""
    return _result(_masked(_scores(q, k), _one_ahead(q, k, mask, causal)), v)


@misconception(of="attention", caught_by="causal_is_a_triangular_mask")
def sees_the_future(q, k, v, mask=None, causal=False):
    """Your triangle is the wrong half: with causal=True, query i sees the keys j <= i, the lower triangle."""
    allowed = _allowed(q, k, mask, False)
    if causal:
        allowed = allowed & np.triu(np.ones(allowed.shape[-2:], dtype=bool))
    return _result(_masked(_scores(q, k), allowed), v)


@misconception(of="attention", caught_by="causal_is_a_triangular_mask")
def aligns_the_ends(q, k, v, mask=None, causal=False):
    """You align the last query with the last key, j <= i + m - n: this is right under the convention of FlashAttention
    since 2.1 (and for a cache of earlier keys); here, as with PyTorch's is_causal, the first is aligned with the first,
    j <= i."""
    allowed = _allowed(q, k, mask, False)
    return _result(_masked(_scores(q, k), allowed & _from_the_end(q, k) if causal else allowed), v)


@misconception(of="attention", caught_by="mask_and_causal_must_both_allow")
def causal_replaces_the_mask(q, k, v, mask=None, causal=False):
    """With causal=True you no longer look at the mask: both must allow, so combine them with &."""
    return _result(_weights(q, k, None if causal else mask, causal), v)


@misconception(of="attention", caught_by="mask_and_causal_must_both_allow")
def the_mask_replaces_causal(q, k, v, mask=None, causal=False):
    """With a mask you no longer look at causal: both must allow, so combine them with &."""
    return _result(_weights(q, k, mask, causal and mask is None), v)


@misconception(of="attention", caught_by="mask_and_causal_must_both_allow")
def either_may_allow(q, k, v, mask=None, causal=False):
    """With a mask and causal=True you let a query see what either allows: both must, so combine them with &, not |."""
    if mask is not None and causal:
        mask, causal = mask | _triangle(q, k), False
    return _result(_weights(q, k, mask, causal), v)


# -- what comes out ----------------------------------------------------------------------------------------------------


@misconception(of="attention", caught_by="attention_agrees")
def returns_the_weights_first(q, k, v, mask=None, causal=False):
    """You return (weights, out). The output comes first: (out, weights)."""
    out, weights = _result(_weights(q, k, mask, causal), v)
    return weights, out


@misconception(of="attention", caught_by="out_is_the_weighted_average")
def returns_the_scores(q, k, v, mask=None, causal=False):
    """Your second result are the scores: return the weights, which the softmax makes of them."""
    allowed = _allowed(q, k, mask, causal)
    return _weights(q, k, mask, causal) @ v, np.where(allowed, _scores(q, k), 0)


@misconception(of="attention", caught_by="attention_agrees")
def always_float64(q, k, v, mask=None, causal=False):
    """Given float32 you return float64. NumPy's own float64 numbers and arrays, such as np.sqrt(d) and np.zeros(shape),
    make their results float64: use float(...) or math.sqrt, and dtype=q.dtype."""
    products = (q @ k.swapaxes(-1, -2)).astype(np.float64)
    return _result(_masked(products / q.shape[-1] ** 0.5, _allowed(q, k, mask, causal)), v)


@misconception(of="attention", caught_by="attention_agrees")
def changes_the_queries(q, k, v, mask=None, causal=False):
    """`q /= ...` writes into the caller's queries, which the backward pass still needs: compute q / ... into a new
    array."""
    q /= q.shape[-1] ** 0.5
    return _result(_masked(q @ k.swapaxes(-1, -2), _allowed(q, k, mask, causal)), v)


# -- the backward pass -------------------------------------------------------------------------------------------------


@misconception(of="attention_backward", caught_by="one_query_has_a_known_gradient")
def forgets_the_scale_backward(grad, q, k, v, mask=None, causal=False):
    """Your dq and dk lack the factor 1 / sqrt(d), by which the scores were divided on the way forward."""
    dq, dk, dv = _backward(grad, q, k, v, mask, causal)
    return dq * q.shape[-1] ** 0.5, dk * q.shape[-1] ** 0.5, dv


@misconception(of="attention_backward", caught_by="one_query_has_a_known_gradient")
def divides_by_d_backward(grad, q, k, v, mask=None, causal=False):
    """Your dq and dk are divided by d: divide by its square root, once, as the scores were."""
    dq, dk, dv = _backward(grad, q, k, v, mask, causal)
    return dq / q.shape[-1] ** 0.5, dk / q.shape[-1] ** 0.5, dv


@misconception(of="attention_backward", caught_by="queries_and_keys_share_the_slope")
def scales_dq_alone(grad, q, k, v, mask=None, causal=False):
    """Your dk lacks the factor 1 / sqrt(d): divide the scores' cotangent by it before it goes to dq and to dk."""
    dq, dk, dv = _backward(grad, q, k, v, mask, causal)
    return dq, dk * q.shape[-1] ** 0.5, dv


@misconception(of="attention_backward", caught_by="queries_and_keys_share_the_slope")
def scales_dk_alone(grad, q, k, v, mask=None, causal=False):
    """Your dq lacks the factor 1 / sqrt(d): divide the scores' cotangent by it before it goes to dq and to dk."""
    dq, dk, dv = _backward(grad, q, k, v, mask, causal)
    return dq * q.shape[-1] ** 0.5, dk, dv


@misconception(of="attention_backward", caught_by="one_query_has_a_known_gradient")
def forgets_the_scale_of_the_recomputed_scores(grad, q, k, v, mask=None, causal=False):
    """You work the weights out anew without dividing the scores by sqrt(d): they have to be attention's own weights."""
    weights = _masked(q @ k.swapaxes(-1, -2), _allowed(q, k, mask, causal))
    return _gradients(grad, q, k, v, weights)


@misconception(of="attention_backward", caught_by="dk_sums_to_zero_over_the_keys")
def forgets_the_average(grad, q, k, v, mask=None, causal=False):
    """You multiply the weights' cotangent by the weights and stop. Softmax's weights sum to 1, so raising one lowers
    the others: subtract the weighted average first, w * (dw - sum(w * dw))."""
    weights = _weights(q, k, mask, causal)
    return _gradients(grad, q, k, v, weights, weights * _of_weights(grad, v))


@misconception(of="attention_backward", caught_by="dk_sums_to_zero_over_the_keys")
def subtracts_the_plain_average(grad, q, k, v, mask=None, causal=False):
    """You subtract the plain mean of the weights' cotangent: the average is weighted, sum(w * dw)."""
    weights, d_weights = _weights(q, k, mask, causal), _of_weights(grad, v)
    return _gradients(grad, q, k, v, weights, weights * (d_weights - d_weights.mean(axis=-1, keepdims=True)))


@misconception(of="attention_backward", caught_by="dk_sums_to_zero_over_the_keys")
def subtracts_the_plain_sum(grad, q, k, v, mask=None, causal=False):
    """You subtract the plain sum of the weights' cotangent: each term has its weight, sum(w * dw)."""
    weights, d_weights = _weights(q, k, mask, causal), _of_weights(grad, v)
    return _gradients(grad, q, k, v, weights, weights * (d_weights - d_weights.sum(axis=-1, keepdims=True)))


@misconception(of="attention_backward", caught_by="dk_sums_to_zero_over_the_keys")
def only_the_diagonal(grad, q, k, v, mask=None, causal=False):
    """You use w * (1 - w), the slope of a sigmoid. Softmax's Jacobian has entries off its diagonal too:
    w * (dw - sum(w * dw))."""
    weights = _weights(q, k, mask, causal)
    return _gradients(grad, q, k, v, weights, weights * (1 - weights) * _of_weights(grad, v))


@misconception(of="attention_backward", caught_by="dk_sums_to_zero_over_the_keys")
def forgets_the_softmax(grad, q, k, v, mask=None, causal=False):
    """You hand the weights' cotangent to the scores as it is: the softmax between them has a Jacobian,
    w * (dw - sum(w * dw))."""
    weights = _weights(q, k, mask, causal)
    d_scores = np.where(_allowed(q, k, mask, causal), _of_weights(grad, v), 0)
    return _gradients(grad, q, k, v, weights, d_scores)


@misconception(of="attention_backward", caught_by="dk_sums_to_zero_over_the_keys")
def averages_over_the_queries(grad, q, k, v, mask=None, causal=False):
    """In the softmax's backward pass you sum over the queries: sum along the last axis, over the keys, as the softmax
    does."""
    weights, d_weights = _weights(q, k, mask, causal), _of_weights(grad, v)
    d_scores = weights * (d_weights - (weights * d_weights).sum(axis=-2, keepdims=True))
    return _gradients(grad, q, k, v, weights, d_scores)


@misconception(of="attention_backward", caught_by="dv_is_the_weighted_cotangent")
def divides_by_the_number_of_queries(grad, q, k, v, mask=None, causal=False):
    """Your dk and dv are means over the queries. A key and a value get the sum of what all queries send."""
    dq, dk, dv = _backward(grad, q, k, v, mask, causal)
    return dq, dk / q.shape[-2], dv / q.shape[-2]


@misconception(of="attention_backward", caught_by="dv_is_the_weighted_cotangent")
def reshapes_the_weights(grad, q, k, v, mask=None, causal=False):
    """You reshape the (n, m) weights to (m, n), which mixes them up: transpose them, weights.swapaxes(-1, -2)."""
    weights = _weights(q, k, mask, causal)
    dq, dk, _ = _gradients(grad, q, k, v, weights)
    return dq, dk, weights.reshape(*weights.shape[:-2], weights.shape[-1], weights.shape[-2]) @ grad


@misconception(of="attention_backward", caught_by="dv_is_the_weighted_cotangent")
def spreads_grad_equally(grad, q, k, v, mask=None, causal=False):
    """Your dv gives every value the same share of grad. Each gets it by its weight: weights.swapaxes(-1, -2) @ grad."""
    allowed = _allowed(q, k, mask, causal)
    dq, dk, _ = _backward(grad, q, k, v, mask, causal)
    shares = allowed.astype(q.dtype) / np.maximum(allowed.sum(axis=-1, keepdims=True), 1).astype(q.dtype)
    return dq, dk, shares.swapaxes(-1, -2) @ grad


@misconception(of="attention_backward", caught_by="backward_agrees")
def returns_dk_first(grad, q, k, v, mask=None, causal=False):
    """You return dk before dq. The gradients come in the order of the arguments: dq, dk, dv."""
    dq, dk, dv = _backward(grad, q, k, v, mask, causal)
    return dk, dq, dv


@misconception(of="attention_backward", caught_by="the_hidden_has_no_gradient")
def true_hides_backward(grad, q, k, v, mask=None, causal=False):
    """Your backward pass hides the keys where the mask is True: this is right for the masks of PyTorch's
    nn.MultiheadAttention; here it is as in scaled_dot_product_attention, True = may attend."""
    return _backward(grad, q, k, v, None if mask is None else ~mask, causal)


@misconception(of="attention_backward", caught_by="the_hidden_has_no_gradient")
def ignores_the_mask_backward(grad, q, k, v, mask=None, causal=False):
    """Your backward pass does not look at the mask: work the weights out as attention does, hidden keys and all."""
    return _backward(grad, q, k, v, None, causal)


@misconception(of="attention_backward", caught_by="the_gradient_knows_causal_and_mask")
def ignores_causal_backward(grad, q, k, v, mask=None, causal=False):
    """Your backward pass does not look at causal: work the weights out as attention does, without the keys j > i."""
    return _backward(grad, q, k, v, mask)


@misconception(of="attention_backward", caught_by="the_gradient_knows_causal_and_mask")
def causal_only_where_square_backward(grad, q, k, v, mask=None, causal=False):
    """Your backward pass looks at causal only where n equals m: leave out the keys j > i for any n and m."""
    return _backward(grad, q, k, v, mask, causal and q.shape[-2] == k.shape[-2])


@misconception(of="attention_backward", caught_by="backward_agrees")
def hides_behind_minus_a_billion_backward(grad, q, k, v, mask=None, causal=False):
    """Your backward pass gives hidden keys the score -1e9, and a query whose own scores are lower still looks at them:
    hide them with -np.inf."""
    return _gradients(grad, q, k, v, _below_a_billion(q, k, _allowed(q, k, mask, causal)))


@misconception(of="attention_backward", caught_by="backward_agrees")
def loses_what_is_below_minus_a_billion_backward(grad, q, k, v, mask=None, causal=False):
    """Your backward pass gives hidden keys the score -1e9 and takes the maximum over them too: where all that a query
    sees has lower scores, its weights underflow to zeros. Hide with -np.inf, and take the maximum then."""
    allowed = _allowed(q, k, mask, causal)
    return _gradients(grad, q, k, v, np.where(allowed, _below_a_billion(q, k, allowed), 0))


@misconception(of="attention_backward", caught_by="gradients_of_leading_dimensions_are_alone")
def a_mask_for_each_sample_backward(grad, q, k, v, mask=None, causal=False):
    """Your backward pass takes a mask of shape (a, n, m) for one of the samples, mask[:, None], where q is
    (batch, heads, n, d). It broadcasts as in NumPy: it is one for each head, the same for all samples."""
    return _backward(grad, q, k, v, _with_an_axis_for_heads(mask, q), causal)


@misconception(of="attention_backward", caught_by="hidden_keys_change_no_gradient")
def a_mask_of_the_queries_backward(grad, q, k, v, mask=None, causal=False):
    """Your backward pass takes a mask of one axis for one of the queries, mask[:, None], where n equals m. It
    broadcasts as in NumPy: it says which keys all queries may attend to."""
    return _backward(grad, q, k, v, _of_the_queries(mask, q, k), causal)


@misconception(of="attention_backward", caught_by="backward_agrees")
def a_column_of_the_keys_backward(grad, q, k, v, mask=None, causal=False):
    """Your backward pass takes a mask of shape (n, 1) for one of the keys, mask[:, 0] or mask.T, where n equals m. It
    broadcasts as in NumPy: it says which queries may attend to keys at all."""
    return _backward(grad, q, k, v, _of_the_keys(mask, q, k), causal)


@misconception(of="attention_backward", caught_by="backward_agrees")
def squeezes_the_mask_backward(grad, q, k, v, mask=None, causal=False):
    """Your backward pass takes the axes of size 1 out of the mask, with mask.squeeze(), and NumPy then lines up the
    others with axes that they do not belong to. Leave them in: they broadcast as they are."""
    return _backward(grad, q, k, v, _squeezed(mask), causal)


@misconception(of="attention_backward", caught_by="the_gradient_knows_causal_and_mask")
def hides_the_diagonal_backward(grad, q, k, v, mask=None, causal=False):
    """In your backward pass causal queries do not see their own place: query i sees the keys j <= i."""
    allowed = _allowed(q, k, mask, False)
    if causal:
        allowed = allowed & np.tri(*allowed.shape[-2:], -1, dtype=bool)
    return _gradients(grad, q, k, v, _masked(_scores(q, k), allowed))


@misconception(of="attention_backward", caught_by="the_gradient_knows_causal_and_mask")
def sees_one_key_ahead_backward(grad, q, k, v, mask=None, causal=False):
    """In your backward pass causal queries see one key ahead, j <= i + 1, as in np.tri(n, m, 1): query i sees the keys
    j <= i, np.tri(n, m)."""
    return _gradients(grad, q, k, v, _masked(_scores(q, k), _one_ahead(q, k, mask, causal)))


@misconception(of="attention_backward", caught_by="the_gradient_knows_causal_and_mask")
def aligns_the_ends_backward(grad, q, k, v, mask=None, causal=False):
    """Your backward pass aligns the last query with the last key, j <= i + m - n: this is right under the convention of
    FlashAttention since 2.1; here, as with PyTorch's is_causal, the first is aligned with the first, j <= i."""
    allowed = _allowed(q, k, mask, False)
    return _gradients(grad, q, k, v, _masked(_scores(q, k), allowed & _from_the_end(q, k) if causal else allowed))


@misconception(of="attention_backward", caught_by="the_gradient_knows_causal_and_mask")
def causal_replaces_the_mask_backward(grad, q, k, v, mask=None, causal=False):
    """With causal=True your backward pass no longer looks at the mask: both must allow, so combine them with &."""
    return _backward(grad, q, k, v, None if causal else mask, causal)


@misconception(of="attention_backward", caught_by="the_gradient_knows_causal_and_mask")
def the_mask_replaces_causal_backward(grad, q, k, v, mask=None, causal=False):
    """With a mask your backward pass no longer looks at causal: both must allow, so combine them with &."""
    return _backward(grad, q, k, v, mask, causal and mask is None)


@misconception(of="attention_backward", caught_by="the_hidden_has_no_gradient")
def averages_where_nothing_is_seen_backward(grad, q, k, v, mask=None, causal=False):
    """A query that may attend to nothing still sends its cotangent to all values, because equal scores of -1e9 make
    equal weights. Its weights are zeros, and so is what it sends."""
    return _gradients(grad, q, k, v, _softmax(np.where(_allowed(q, k, mask, causal), _scores(q, k), -1e9)))


@misconception(of="attention_backward", caught_by="the_hidden_has_no_gradient")
def equal_weights_where_nothing_is_seen_backward(grad, q, k, v, mask=None, causal=False):
    """A query that may attend to nothing still sends its cotangent to all values, by equal weights such as hidden
    scores of np.finfo(q.dtype).min make. Its weights are zeros, and so is what it sends."""
    return _gradients(grad, q, k, v, _equal_where_blind(q, k, _allowed(q, k, mask, causal)))


@misconception(of="attention_backward", caught_by="the_hidden_has_no_gradient")
def adds_minus_a_billion_backward(grad, q, k, v, mask=None, causal=False):
    """Your backward pass adds -1e9 to the scores of hidden keys. Where a query may attend to nothing, this lowers all
    its scores alike and hides none: its weights are zeros, and so is what it sends."""
    return _gradients(grad, q, k, v, _lowered_by_a_billion(q, k, _allowed(q, k, mask, causal)))


@misconception(of="attention_backward", caught_by="the_hidden_has_no_gradient")
def nan_where_nothing_is_seen_backward(grad, q, k, v, mask=None, causal=False):
    """A query that may attend to nothing makes its gradients NaN, since -inf - -inf is NaN: its weights are zeros, and
    so is all that it sends."""
    return _gradients(grad, q, k, v, _softmax(np.where(_allowed(q, k, mask, causal), _scores(q, k), -np.inf)))


@misconception(of="attention_backward", caught_by="backward_agrees")
def overflows_backward(grad, q, k, v, mask=None, causal=False):
    """exp() of a large score overflows in the backward pass too: subtract each query's largest score first."""
    return _gradients(grad, q, k, v, _unstable(_scores(q, k), _allowed(q, k, mask, causal)))


@misconception(of="attention_backward", caught_by="backward_agrees")
def overflows_or_gives_zeros_backward(grad, q, k, v, mask=None, causal=False):
    """exp() of a large score overflows in the backward pass too, and of scores far below 0 all are 0, so that nothing
    has a gradient: subtract each query's largest score first."""
    return _gradients(grad, q, k, v, _unstable_or_zero(_scores(q, k), _allowed(q, k, mask, causal)))


@misconception(of="attention_backward", caught_by="backward_agrees")
def always_float64_backward(grad, q, k, v, mask=None, causal=False):
    """Given float32 you return float64. NumPy's own float64 numbers and arrays, such as np.sqrt(d) and np.zeros(shape),
    make their results float64: use float(...) or math.sqrt, and dtype=q.dtype."""
    products = (q @ k.swapaxes(-1, -2)).astype(np.float64)
    weights = _masked(products / q.shape[-1] ** 0.5, _allowed(q, k, mask, causal))
    return _gradients(grad, q, k, v, weights)
