"""Wrong and slow versions of attention_tiled that students write, and what cures each."""

import math

import torch
from dlgrade.author import misconception

# -- a right attention in pieces, of which each misconception gets one wrong -------------------------------------------

_SIDE = 256


def _scores(q, k):
    return q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])


def _hidden(scores, diagonal):
    """Scores with -inf above a diagonal."""
    ahead = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(diagonal)
    return scores.masked_fill(ahead, -torch.inf)


def _tiles(q, k, v, causal, side=_SIDE, start=0):
    """The scores of one tile of keys after another, for all these queries, the first of which is at `start`, and the
    values that belong to them."""
    for j in range(0, k.shape[-2], side):
        scores = _scores(q, k[..., j : j + side, :])
        yield _hidden(scores, start - j + 1) if causal else scores, v[..., j : j + side, :]


def _online(tiles):
    """The output of all queries from their tiles."""
    most, total, out = -torch.inf, 0.0, 0.0
    for scores, values in tiles:
        larger = scores.detach().amax(-1, keepdim=True).clamp(min=most)
        powers, factor = torch.exp(scores - larger), torch.exp(most - larger)
        total = total * factor + powers.sum(-1, keepdim=True)
        out = out * factor + powers @ values
        most = larger
    return out / total


def _whole(scores, v):
    powers = torch.exp(scores - scores.amax(-1, keepdim=True))
    return powers / powers.sum(-1, keepdim=True) @ v


def _summed(tiles, step):
    """As _online, with each tile's update done by `step(most, larger, total, out, powers, values)`."""
    most, total, out = -torch.inf, 0.0, 0.0
    for scores, values in tiles:
        larger = scores.detach().amax(-1, keepdim=True).clamp(min=most)
        total, out = step(torch.exp(most - larger), total, out, torch.exp(scores - larger), values)
        most = larger
    return out / total


# -- from tile to tile -------------------------------------------------------------------------------------------------


@misconception(of="attention_tiled", caught_by="agrees")
def forgets_to_rescale_the_output(q, k, v, causal=False):
    """You rescale the sum of exponentials when a larger score comes, but not the sum of weighted values: both were made
    with the old maximum, and both are too large by exp(most - larger)."""

    def step(factor, total, out, powers, values):
        return total * factor + powers.sum(-1, keepdim=True), out + powers @ values

    return _summed(_tiles(q, k, v, causal), step)


@misconception(of="attention_tiled", caught_by="agrees")
def forgets_to_rescale_the_total(q, k, v, causal=False):
    """You rescale the sum of weighted values when a larger score comes, but not the sum of exponentials: both were made
    with the old maximum, and both are too large by exp(most - larger)."""

    def step(factor, total, out, powers, values):
        return total + powers.sum(-1, keepdim=True), out * factor + powers @ values

    return _summed(_tiles(q, k, v, causal), step)


@misconception(of="attention_tiled", caught_by="agrees")
def never_rescales(q, k, v, causal=False):
    """Each tile is summed with the maximum of the tiles so far, and you add them up as if it were always the same:
    multiply what was summed before by exp(most - larger)."""

    def step(factor, total, out, powers, values):
        return total + powers.sum(-1, keepdim=True), out + powers @ values

    return _summed(_tiles(q, k, v, causal), step)


@misconception(of="attention_tiled", caught_by="agrees")
def rescales_the_new_tile(q, k, v, causal=False):
    """You multiply the new tile by exp(most - larger): it already has the new maximum, and it is what was summed before
    that is too large."""

    def step(factor, total, out, powers, values):
        factor = torch.where(factor == 0, 1, factor) if isinstance(total, float) else factor
        return total + factor * powers.sum(-1, keepdim=True), out + factor * (powers @ values)

    return _summed(_tiles(q, k, v, causal), step)


@misconception(of="attention_tiled", caught_by="agrees")
def rescales_the_wrong_way(q, k, v, causal=False):
    """You multiply what was summed before by exp(larger - most): it has to become smaller, by exp(most - larger)."""
    most, total, out = None, 0.0, 0.0
    for scores, values in _tiles(q, k, v, causal):
        larger = scores.amax(-1, keepdim=True)
        larger = larger if most is None else torch.maximum(most, larger)
        factor = 1 if most is None else torch.exp(larger - most)
        powers = torch.exp(scores - larger)
        total, out, most = total * factor + powers.sum(-1, keepdim=True), out * factor + powers @ values, larger
    return out / total


@misconception(of="attention_tiled", caught_by="agrees")
def averages_the_tiles(q, k, v, causal=False):
    """You take the softmax of each tile by itself and average the outputs: a tile whose keys match better counts more.
    Sum the exponentials and the weighted values over all tiles, and divide once."""
    tiles = [_whole(scores.clamp(min=-1e30), values) for scores, values in _tiles(q, k, v, causal)]
    return sum(tiles) / len(tiles)


@misconception(of="attention_tiled", caught_by="agrees")
def divides_after_each_tile(q, k, v, causal=False):
    """You divide by the sum of exponentials after each tile and then add the next tile to the quotient: divide once, at
    the end, or multiply by the old sum again before you add."""

    def step(factor, total, out, powers, values):
        total = total * factor + powers.sum(-1, keepdim=True)
        return total, (out * factor + powers @ values) / total

    most, total, out = -torch.inf, 0.0, 0.0
    for scores, values in _tiles(q, k, v, causal):
        larger = scores.amax(-1, keepdim=True).clamp(min=most)
        total, out = step(torch.exp(most - larger), total, out, torch.exp(scores - larger), values)
        most = larger
    return out


@misconception(of="attention_tiled", caught_by="agrees")
def keeps_the_last_maximum(q, k, v, causal=False):
    """You take the maximum of the new tile alone: where an earlier tile had a larger one, exp(most - larger) grows
    instead of shrinking, and overflows. Take the maximum of both."""
    most, total, out = -torch.inf, 0.0, 0.0
    for scores, values in _tiles(q, k, v, causal):
        larger = scores.amax(-1, keepdim=True).clamp(min=-1e30)
        powers, factor = torch.exp(scores - larger), torch.exp(most - larger)
        total, out, most = total * factor + powers.sum(-1, keepdim=True), out * factor + powers @ values, larger
    return out / total


@misconception(of="attention_tiled", caught_by="agrees")
def forgets_to_keep_the_maximum(q, k, v, causal=False):
    """You work out the largest score so far and do not keep it: after the first tile `most` is still -inf, and whatever
    was summed is multiplied by 0."""
    total = out = 0.0
    for scores, values in _tiles(q, k, v, causal):
        larger = scores.amax(-1, keepdim=True)
        powers, factor = torch.exp(scores - larger), torch.exp(-torch.inf - larger)
        total, out = total * factor + powers.sum(-1, keepdim=True), out * factor + powers @ values
    return out / total


@misconception(of="attention_tiled", caught_by="agrees")
def keeps_the_first_maximum(q, k, v, causal=False):
    """You subtract the maximum of the first tile from all of them: where a later tile has a larger one, exp()
    overflows. Keep the largest so far, and rescale what was summed before."""
    most, total, out = None, 0.0, 0.0
    for scores, values in _tiles(q, k, v, causal):
        most = scores.amax(-1, keepdim=True) if most is None else most
        powers = torch.exp(scores - most)
        total, out = total + powers.sum(-1, keepdim=True), out + powers @ values
    return out / total


@misconception(of="attention_tiled", caught_by="a_common_shift_of_the_keys_changes_nothing")
def begins_with_a_maximum_of_zero(q, k, v, causal=False):
    """You begin with a largest score of 0: where all scores are far below it, everything underflows to 0 / 0. Begin
    with -torch.inf."""
    most, total, out = 0.0, 0.0, 0.0
    for scores, values in _tiles(q, k, v, causal):
        larger = scores.amax(-1, keepdim=True).clamp(min=most)
        powers, factor = torch.exp(scores - larger), torch.exp(most - larger)
        total, out, most = total * factor + powers.sum(-1, keepdim=True), out * factor + powers @ values, larger
    return out / total


@misconception(of="attention_tiled", caught_by="agrees")
def overflows(q, k, v, causal=False):
    """exp() of a large score overflows, and inf / inf is NaN: subtract each query's largest score so far."""
    total = out = 0.0
    for scores, values in _tiles(q, k, v, causal):
        powers = torch.exp(scores)
        total, out = total + powers.sum(-1, keepdim=True), out + powers @ values
    return out / total


@misconception(of="attention_tiled", caught_by="agrees")
def one_maximum_for_all_queries(q, k, v, causal=False):
    """You keep one largest score for all queries; one whose scores are far below it underflows to 0 / 0. Each query
    needs its own: scores.amax(-1, keepdim=True)."""
    most, total, out = torch.tensor(-torch.inf, dtype=q.dtype, device=q.device), 0.0, 0.0
    for scores, values in _tiles(q, k, v, causal):
        larger = torch.maximum(most, scores.max())
        powers, factor = torch.exp(scores - larger), torch.exp(most - larger)
        total, out, most = total * factor + powers.sum(-1, keepdim=True), out * factor + powers @ values, larger
    return out / total


@misconception(of="attention_tiled", caught_by="equal_values_come_out")
def forgets_to_normalise(q, k, v, causal=False):
    """You return the sum of weighted values: divide it by the sum of exponentials after the last tile."""
    most, out = -torch.inf, 0.0
    for scores, values in _tiles(q, k, v, causal):
        larger = scores.amax(-1, keepdim=True).clamp(min=most)
        out, most = out * torch.exp(most - larger) + torch.exp(scores - larger) @ values, larger
    return out


@misconception(of="attention_tiled", caught_by="agrees")
def drops_the_last_keys(q, k, v, causal=False):
    """You take whole tiles only, m // side of them, and the keys after the last whole tile are lost: the last tile may
    be shorter."""
    whole = max(k.shape[-2] // _SIDE * _SIDE, min(k.shape[-2], _SIDE))
    return _online(_tiles(q, k[..., :whole, :], v[..., :whole, :], causal))


@misconception(of="attention_tiled", caught_by="agrees")
def pads_the_last_tile(q, k, v, causal=False):
    """You fill the last tile up with zeros, and a score of 0 has a weight: leave the tile short, or set the scores of
    what you filled in to -inf."""
    missing = -k.shape[-2] % 64
    k = torch.cat((k, k.new_zeros(*k.shape[:-2], missing, k.shape[-1])), -2)
    v = torch.cat((v, v.new_zeros(*v.shape[:-2], missing, v.shape[-1])), -2)
    return _online(_tiles(q, k, v, causal, 64))


# -- causal ------------------------------------------------------------------------------------------------------------


@misconception(of="attention_tiled", caught_by="agrees")
def counts_places_within_the_tile(q, k, v, causal=False):
    """You hide the part above the diagonal of each tile, as if each began at the first key: the key at place j of a
    tile that begins at `start` is the key start + j."""
    tiles = ((_scores(q, keys), values) for keys, values in zip(k.split(_SIDE, -2), v.split(_SIDE, -2), strict=True))
    return _online((_hidden(scores, 1) if causal else scores, values) for scores, values in tiles)


@misconception(of="attention_tiled", caught_by="agrees")
def hides_in_the_first_tile_only(q, k, v, causal=False):
    """You hide keys in the tile where the queries begin, and not in those behind it: a query sees nothing of a tile
    that lies ahead of it."""
    tiles = _tiles(q, k, v, False)
    return _online(
        (_hidden(scores, 1) if causal and i == 0 else scores, values) for i, (scores, values) in enumerate(tiles)
    )


@misconception(of="attention_tiled", caught_by="agrees")
def is_nan_where_a_tile_is_hidden(q, k, v, causal=False):
    """A tile that lies ahead of a query has nothing but -inf for it, and -inf - -inf is NaN: subtract the largest score
    of all tiles so far, which is finite since every query sees the first key, not that of the tile."""
    level = out = None
    for scores, values in _tiles(q, k, v, causal):
        most = scores.amax(-1, keepdim=True)
        powers = torch.exp(scores - most)
        total = powers.sum(-1, keepdim=True)
        here, part = most + torch.log(total), powers @ values / total
        if out is None:
            level, out = here, part
        else:
            share = torch.sigmoid(here - level)
            level, out = torch.logaddexp(level, here), out * (1 - share) + part * share
    return out


@misconception(of="attention_tiled", caught_by="causal_sees_the_keys_up_to_its_place")
def ignores_causal(q, k, v, causal=False):
    """You pay no attention to `causal`: with it, query i sees the keys j <= i only."""
    return _online(_tiles(q, k, v, False))


@misconception(of="attention_tiled", caught_by="causal_sees_the_keys_up_to_its_place")
def sees_one_ahead(q, k, v, causal=False):
    """Query i sees key i + 1 too: hide where j > i, the part above the diagonal."""
    return _online(_tiles(q, k, v, causal, start=1))


@misconception(of="attention_tiled", caught_by="causal_sees_the_keys_up_to_its_place")
def does_not_see_itself(q, k, v, causal=False):
    """You hide the key at the query's own place too, and the first query sees nothing: hide where j > i only."""
    return _online(_tiles(q, k, v, causal, start=-1))


@misconception(of="attention_tiled", caught_by="causal_sees_the_keys_up_to_its_place")
def aligns_the_ends(q, k, v, causal=False):
    """You align the last query with the last key, as is done when earlier keys are kept from earlier steps. Here query
    i sees keys j <= i also where n and m differ: both are counted from the first."""
    return _online(_tiles(q, k, v, causal, start=k.shape[-2] - q.shape[-2]))


@misconception(of="attention_tiled", caught_by="agrees")
def stops_a_tile_too_early(q, k, v, causal=False):
    """You leave out the tile on the diagonal, whose first keys the last queries of the block still see: leave out only
    those that begin behind the last query of the block."""
    rows = []
    for i in range(0, q.shape[-2], _SIDE):
        end = max(i, _SIDE) if causal else k.shape[-2]
        rows.append(_online(_tiles(q[..., i : i + _SIDE, :], k[..., :end, :], v[..., :end, :], causal, start=i)))
    return torch.cat(rows, -2)


@misconception(of="attention_tiled", caught_by="agrees")
def hides_behind_a_finite_score(q, k, v, causal=False):
    """You give hidden keys a finite score such as -1e9, and a query whose own scores are lower still looks at them:
    hide them with -torch.inf."""
    tiles = _tiles(q, k, v, causal)
    return _online((torch.where(scores == -torch.inf, -1e9, scores), values) for scores, values in tiles)


@misconception(of="attention_tiled", caught_by="agrees")
def queries_take_their_turn_from_zero(q, k, v, causal=False):
    """You take the queries in tiles too, and count each tile's first query as query 0 when you hide keys: it is query
    `start`."""
    blocks = q.split(_SIDE, -2)
    return torch.cat([_online(_tiles(block, k, v, causal)) for block in blocks], -2)


# -- the scores and the tensors ----------------------------------------------------------------------------------------


@misconception(of="attention_tiled", caught_by="odds_are_those_of_the_scaled_scores")
def forgets_the_scale(q, k, v, causal=False):
    """You use q · k as the score: divide it by sqrt(d), d being the width of the queries and keys."""
    return _online(_tiles(q * math.sqrt(q.shape[-1]), k, v, causal))


@misconception(of="attention_tiled", caught_by="odds_are_those_of_the_scaled_scores")
def divides_by_d(q, k, v, causal=False):
    """You divide the scores by d: divide by its square root, which is what a sum of d random products grows by."""
    return _online(_tiles(q / math.sqrt(q.shape[-1]), k, v, causal))


@misconception(of="attention_tiled", caught_by="odds_are_those_of_the_scaled_scores")
def scales_in_every_round(q, k, v, causal=False):
    """You divide the queries by sqrt(d) inside the loop, again for each tile: do it once, before."""
    tiles = []
    for keys, values in zip(k.split(2, -2), v.split(2, -2), strict=True):
        q = q / math.sqrt(q.shape[-1])
        scores = q @ keys.transpose(-1, -2)
        tiles.append((_hidden(scores, 1 - 2 * len(tiles)) if causal else scores, values))
    return _online(tiles)


@misconception(of="attention_tiled", caught_by="agrees")
def scales_the_queries_in_place(q, k, v, causal=False):
    """You scale the caller's queries in place: q /= … writes into the tensor that you were given. Write q = q / …."""
    q /= math.sqrt(q.shape[-1])
    return _online(_tiles(q * math.sqrt(q.shape[-1]), k, v, causal))


@misconception(of="attention_tiled", caught_by="agrees")
def sums_in_float32(q, k, v, causal=False):
    """You keep the sums in float32, as torch.zeros(...) makes them, although you are given float64: make them with q's
    dtype and on its device."""
    return _online((scores.float(), values.float()) for scores, values in _tiles(q, k, v, causal)).to(q.dtype)


@misconception(of="attention_tiled", caught_by="float32_stays_float32")
def computes_in_float64(q, k, v, causal=False):
    """You compute in float64 and round at the end: twice the memory traffic on a CPU, and on many a GPU 64 times the
    time. With the maximum subtracted float32 is good enough."""
    return _online(_tiles(q.double(), k.double(), v.double(), causal)).to(q.dtype)


@misconception(of="attention_tiled", caught_by="gradient")
def detaches_the_total(q, k, v, causal=False):
    """You detach the sum of exponentials, and autograd takes it for a constant: only the maximum may be one, since the
    output does not depend on it."""

    def step(factor, total, out, powers, values):
        return (total * factor + powers.sum(-1, keepdim=True)).detach(), out * factor + powers @ values

    return _summed(_tiles(q, k, v, causal), step)


@misconception(of="attention_tiled", caught_by="gradient_across_tiles")
def detaches_what_was_summed(q, k, v, causal=False):
    """You detach what the tiles before have come to, and autograd finds the way back to the last tile only. What keeps
    a long sequence's memory low in training is a backward pass of your own, not a shorter way back."""

    def step(factor, total, out, powers, values):
        if not isinstance(total, float):
            total, out = total.detach(), out.detach()
        return total * factor + powers.sum(-1, keepdim=True), out * factor + powers @ values

    return _summed(_tiles(q, k, v, causal), step)


def _half_detached(tiles, of_factor, of_powers):
    """As _online, with the maxima recorded, and what exp() is taken of changed in one place."""
    most, total, out = -torch.inf, 0.0, 0.0
    for scores, values in tiles:
        larger = scores.amax(-1, keepdim=True).clamp(min=most)
        powers, factor = torch.exp(scores - of_powers(larger)), of_factor(torch.exp(most - larger))
        total = total * factor + powers.sum(-1, keepdim=True)
        out = out * factor + powers @ values
        most = larger
    return out / total


@misconception(of="attention_tiled", caught_by="gradient_across_tiles")
def detaches_the_factor(q, k, v, causal=False):
    """You detach the factor exp(most - larger), but not the maxima: what autograd finds by way of them cancels only as
    a whole. Detach the maximum of each tile, once, where you take it."""
    return _half_detached(_tiles(q, k, v, causal), torch.Tensor.detach, lambda larger: larger)


@misconception(of="attention_tiled", caught_by="gradient_across_tiles")
def detaches_the_maximum_in_one_place(q, k, v, causal=False):
    """You detach the maximum that you subtract from the scores, but not the one in the factor exp(most - larger): what
    autograd finds by way of the maxima cancels only as a whole. Detach it once, where you take it."""
    return _half_detached(_tiles(q, k, v, causal), lambda factor: factor, torch.Tensor.detach)


@misconception(of="attention_tiled", caught_by="gradient")
def records_nothing(q, k, v, causal=False):
    """You compute under torch.no_grad(), and autograd records nothing: leave it out, whoever calls you decides."""
    with torch.no_grad():
        return _online(_tiles(q, k, v, causal))


# -- right, but too much at once ---------------------------------------------------------------------------------------


@misconception(of="attention_tiled", caught_by="memory_is_linear_in_the_length")
def holds_all_scores(q, k, v, causal=False):
    """You hold all n × m scores at once: take the keys in tiles, and keep for each query the largest score so far, the
    sum of exponentials and the sum of weighted values."""
    scores = _scores(q, k)
    return _whole(_hidden(scores, 1) if causal else scores, v)


@misconception(of="attention_tiled", caught_by="memory_is_linear_in_the_length")
def keeps_all_tiles(q, k, v, causal=False):
    """You compute the scores in tiles, but keep them all until the last one is there: together they are the n × m
    scores. Sum up each tile before you make the next."""
    return _online(list(_tiles(q, k, v, causal)))


@misconception(of="attention_tiled", caught_by="memory_is_linear_in_the_length")
def takes_a_fixed_number_of_tiles(q, k, v, causal=False):
    """You divide the keys into a fixed number of tiles, which are longer the more keys there are: n × m / 8 numbers are
    still quadratic. Fix the size of a tile instead."""
    return _online(_tiles(q, k, v, causal, side=-(-k.shape[-2] // 8)))


@misconception(of="attention_tiled", caught_by="memory_is_linear_in_the_length")
def lets_tiles_grow_with_the_root(q, k, v, causal=False):
    """Your tiles are longer the more keys there are, if only by the square root: n · sqrt(m) is not linear either. Fix
    the size of a tile."""
    return _online(_tiles(q, k, v, causal, side=int(8 * k.shape[-2] ** 0.5)))


@misconception(of="attention_tiled", caught_by="memory_is_linear_in_the_length")
def makes_the_whole_mask(q, k, v, causal=False):
    """Your scores come in tiles, but the mask does not: n × m bytes are quadratic too. Make each tile's mask from the
    places of its queries and keys."""
    ahead = torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool, device=q.device).triu(1)
    tiles = zip(_tiles(q, k, v, False), ahead.split(_SIDE, -1), strict=True)
    hidden = ((s.masked_fill(late, -torch.inf) if causal else s, values) for (s, values), late in tiles)
    return _online(hidden)


@misconception(of="attention_tiled", caught_by="keys_come_in_tiles")
def tiles_the_queries_alone(q, k, v, causal=False):
    """You take the queries in tiles and hold whole rows of scores: a row is as long as there are keys. Take the keys in
    tiles too; the online softmax is what makes that possible."""
    rows = []
    for i in range(0, q.shape[-2], 64):
        scores = _scores(q[..., i : i + 64, :], k)
        rows.append(_whole(_hidden(scores, i + 1) if causal else scores, v))
    return torch.cat(rows, -2)


@misconception(of="attention_tiled", caught_by="loops_over_no_heads")
def loops_over_the_heads(q, k, v, causal=False):
    """You loop over the leading indices: a product of tensors does all of them in one call, and a GPU all of them at
    the same time."""
    heads = zip(*(tensor.reshape(-1, *tensor.shape[-2:]) for tensor in (q, k, v)), strict=True)
    return torch.stack([_online(_tiles(*head, causal)) for head in heads]).reshape(*q.shape[:-1], v.shape[-1])


# -- right, but slow ---------------------------------------------------------------------------------------------------


@misconception(of="attention_tiled", caught_by="fast")
def takes_one_key_at_a_time(q, k, v, causal=False):
    """Your tiles are single keys: each round is a handful of calls with hardly any work in them. Take tiles of 64 to
    256 keys, so that the product does the work."""
    return _online(_tiles(q, k, v, causal, side=1))


@misconception(of="attention_tiled", caught_by="fast")
def takes_small_squares(q, k, v, causal=False):
    """Your tiles are 16 × 16: the calls take longer than the work in them. Take more queries and keys at a time, 64 to
    256 of each."""
    rows = [_online(_tiles(q[..., i : i + 16, :], k, v, causal, side=16, start=i)) for i in range(0, q.shape[-2], 16)]
    return torch.cat(rows, -2)


@misconception(of="attention_tiled", caught_by="fast")
def takes_one_query_at_a_time(q, k, v, causal=False):
    """You take one query at a time: each round is a product of one row, and reads all keys and values again. Take
    64 to 256 queries at a time, or all."""
    rows = [_online(_tiles(q[..., i : i + 1, :], k, v, causal, start=i)) for i in range(q.shape[-2])]
    return torch.cat(rows, -2)
