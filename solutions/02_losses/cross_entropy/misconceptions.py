"""Wrong cross-entropies that students write, and what cures each."""

import numpy as np
from dlgrade.author import misconception


def _log_probs(scores):
    shifted = scores - scores.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def _of_rows(logits, targets, counted, label_smoothing, divisor):
    """The gradient of the rows that count, and zeros."""
    classes = targets[counted]
    each = np.exp(_log_probs(logits[counted])) - label_smoothing / logits.shape[1]
    each[np.arange(len(classes)), classes] -= 1 - label_smoothing
    grad = np.zeros_like(logits)
    grad[counted] = each / float(divisor)
    return grad


# -- cross_entropy -----------------------------------------------------------------------------------------------------


@misconception(of="cross_entropy", caught_by="ignores_a_common_shift")
def overflows(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """exp() of a large score overflows and the loss is infinite or NaN: subtract each row's maximum before exp()."""
    with np.errstate(all="ignore"):
        counted = targets != ignore_index
        scores, classes = logits[counted], targets[counted]
        log_probs = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        of_target = log_probs[np.arange(len(classes)), classes].mean()
        return -(1 - label_smoothing) * of_target - label_smoothing * log_probs.mean()


@misconception(of="cross_entropy", caught_by="ignores_a_common_shift")
def subtracts_the_maximum_of_everything(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You subtract the largest score of the whole batch; a row far below it underflows, and log(0) is -inf. Each row
    needs its own maximum: logits.max(axis=1, keepdims=True)."""
    with np.errstate(all="ignore"):
        counted = targets != ignore_index
        scores, classes = logits[counted], targets[counted]
        shifted = scores - scores.max()
        log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        of_target = log_probs[np.arange(len(classes)), classes].mean()
        return -(1 - label_smoothing) * of_target - label_smoothing * log_probs.mean()


@misconception(of="cross_entropy", caught_by="a_confident_mistake_costs_the_gap")
def takes_the_logarithm_of_softmax(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """The probability of a class that is far behind is rounded to 0, and log(0) is -inf. Do not form the probability:
    log(softmax) is z - max - log(sum(exp(z - max)))."""
    with np.errstate(all="ignore"):
        counted = targets != ignore_index
        scores, classes = logits[counted], targets[counted]
        shifted = scores - scores.max(axis=1, keepdims=True)
        probs = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
        log_probs = np.log(probs)
        of_target = log_probs[np.arange(len(classes)), classes].mean()
        return -(1 - label_smoothing) * of_target - label_smoothing * log_probs.mean()


# -- what keeps the logarithm from 0 -----------------------------------------------------------------------------------

_CONSTANTS = ("1e-6", "1e-7", "1e-8", "1e-9", "1e-10", "1e-12", "1e-15")  # that people take


def _guarded(way, guard, constant, guilt):
    """The misconception of keeping the probabilities from 0, in one way or another, before their logarithm is taken."""
    eps = float(constant)

    def loss(logits, targets, ignore_index=-100, label_smoothing=0.0):
        counted = targets != ignore_index
        scores, classes = logits[counted], targets[counted]
        shifted = scores - scores.max(axis=1, keepdims=True)
        probs = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
        log_probs = np.log(guard(probs, eps))
        of_target = log_probs[np.arange(len(classes)), classes].mean()
        return -(1 - label_smoothing) * of_target - label_smoothing * log_probs.mean()

    loss.__name__ = f"{way}_at_{constant.replace('-', '_')}"
    loss.__doc__ = (
        f"{guilt} caps the cost of a confident mistake, near {-np.log(eps):.0f} for {constant}: take log(softmax) in "
        "one piece, z - max - log(sum(exp(z - max))), which needs no such constant."
    )
    return misconception(of="cross_entropy", caught_by="a_confident_mistake_costs_the_gap")(loss)


_GUARDS = {
    "adds_an_epsilon": (lambda probs, eps: probs + eps, "log(p + eps)", _CONSTANTS),
    # The smallest comes to the same from below and on both sides.
    "clips_from_below": (np.maximum, "Clipping the probabilities from below", _CONSTANTS[:-1]),
    "clips": (
        lambda probs, eps: np.clip(probs, eps, 1 - eps),
        "Clipping the probabilities, as Keras does,",
        _CONSTANTS,
    ),
}

for _way, (_guard, _guilt, _constants) in _GUARDS.items():
    globals().update({item.name: item for item in (_guarded(_way, _guard, eps, _guilt) for eps in _constants)})


@misconception(of="cross_entropy", caught_by="a_confident_mistake_costs_the_gap")
def clips_the_logits(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You clip the logits to keep exp() from overflowing, which makes different large scores equal: subtract each row's
    maximum, which changes nothing."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    shifted = np.clip(scores, -80, 80)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    of_target = log_probs[np.arange(len(classes)), classes].mean()
    return -(1 - label_smoothing) * of_target - label_smoothing * log_probs.mean()


@misconception(of="cross_entropy", caught_by="a_confident_mistake_costs_the_gap")
def takes_softmax_twice(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You take softmax of the logits and then log-softmax of those probabilities: the loss can no longer come near 0.
    Take it once, of the logits."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    shifted = scores - scores.max(axis=1, keepdims=True)
    probs = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
    log_probs = probs - np.log(np.exp(probs).sum(axis=1, keepdims=True))
    of_target = log_probs[np.arange(len(classes)), classes].mean()
    return -(1 - label_smoothing) * of_target - label_smoothing * log_probs.mean()


@misconception(of="cross_entropy", caught_by="equal_scores_cost_log_of_the_classes")
def takes_the_logits_for_probabilities(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You take the logarithm of the logits themselves, as if they were probabilities: they are scores, and need
    log-softmax."""
    with np.errstate(all="ignore"):
        counted = targets != ignore_index
        scores, classes = logits[counted], targets[counted]
        log_probs = np.log(scores)
        of_target = log_probs[np.arange(len(classes)), classes].mean()
        return -(1 - label_smoothing) * of_target - label_smoothing * log_probs.mean()


@misconception(of="cross_entropy", caught_by="ignores_a_common_shift")
def forgets_the_normaliser(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You return minus the target's score: log(sum(exp(z))) has to be added, or the loss falls without end as all the
    scores grow."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    log_probs = scores
    of_target = log_probs[np.arange(len(classes)), classes].mean()
    return -(1 - label_smoothing) * of_target - label_smoothing * log_probs.mean()


@misconception(of="cross_entropy", caught_by="equal_scores_cost_log_of_the_classes")
def subtracts_the_maximum_for_the_normaliser(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You return max(z) - z[target], which is 0 whenever the target leads: the maximum only guards exp(), and
    log(sum(exp(z - max))) has to be added."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_probs = shifted
    of_target = log_probs[np.arange(len(classes)), classes].mean()
    return -(1 - label_smoothing) * of_target - label_smoothing * log_probs.mean()


@misconception(of="cross_entropy", caught_by="ignores_a_common_shift")
def forgets_to_add_the_maximum_back(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You subtract the maximum inside log(sum(exp(z - max))) but take the target's score from the logits as they came:
    subtract it from both, or add it back."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_probs = scores - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    of_target = log_probs[np.arange(len(classes)), classes].mean()
    return -(1 - label_smoothing) * of_target - label_smoothing * log_probs.mean()


@misconception(of="cross_entropy", caught_by="equal_scores_cost_log_of_the_classes")
def forgets_the_logarithm(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You return 1 - p, the expected error: cross-entropy is -log(p)."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    shifted = scores - scores.max(axis=1, keepdims=True)
    probs = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
    of_target = probs[np.arange(len(classes)), classes].mean()
    return 1 - (1 - label_smoothing) * of_target - label_smoothing * probs.mean()


@misconception(of="cross_entropy", caught_by="equal_scores_cost_log_of_the_classes")
def forgets_the_minus(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You return the mean log-probability, which is at most 0: the loss is minus that."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    of_target = log_probs[np.arange(len(classes)), classes].mean()
    return (1 - label_smoothing) * of_target + label_smoothing * log_probs.mean()


@misconception(of="cross_entropy", caught_by="equal_scores_cost_log_of_the_classes")
def counts_in_bits(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You take the logarithm to base 2, which gives bits: use the natural logarithm, np.log."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_probs = np.log2(np.exp(1)) * shifted - np.log2(np.exp(shifted).sum(axis=1, keepdims=True))
    of_target = log_probs[np.arange(len(classes)), classes].mean()
    return -(1 - label_smoothing) * of_target - label_smoothing * log_probs.mean()


@misconception(of="cross_entropy", caught_by="equal_scores_cost_log_of_the_classes")
def returns_the_perplexity(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """exp(loss) is the perplexity: return the loss itself."""
    with np.errstate(all="ignore"):
        counted = targets != ignore_index
        scores, classes = logits[counted], targets[counted]
        shifted = scores - scores.max(axis=1, keepdims=True)
        log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        of_target = log_probs[np.arange(len(classes)), classes].mean()
        return np.exp(-(1 - label_smoothing) * of_target - label_smoothing * log_probs.mean())


@misconception(of="cross_entropy", caught_by="equal_scores_cost_log_of_the_classes")
def scores_each_class_alone(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """This is binary cross-entropy, a sigmoid for each class and the sum over the classes: classes that exclude one
    another share one softmax."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    wanted = np.full_like(scores, label_smoothing / logits.shape[1])
    wanted[np.arange(len(classes)), classes] += 1 - label_smoothing
    return (np.logaddexp(0, scores) - wanted * scores).sum(axis=1).mean()


@misconception(of="cross_entropy", caught_by="equal_scores_cost_log_of_the_classes")
def divides_by_the_classes_too(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You take the mean over rows and classes, of one-hot times log-probability: sum over the classes, and take the
    mean over the rows only."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    of_target = log_probs[np.arange(len(classes)), classes].mean()
    return -((1 - label_smoothing) * of_target + label_smoothing * log_probs.mean()) / logits.shape[1]


@misconception(of="cross_entropy", caught_by="is_a_mean_over_the_batch")
def sums_over_the_batch(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You return the sum over the rows (reduction="sum"): here the loss is their mean."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    of_target = log_probs[np.arange(len(classes)), classes].sum()
    return -(1 - label_smoothing) * of_target - label_smoothing * log_probs.mean(axis=1).sum()


@misconception(of="cross_entropy", caught_by="is_a_mean_over_the_batch")
def takes_the_last_row_only(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You overwrite the loss in each round of the loop, and return the last row's: add the rows up and divide by their
    number."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    of_target = log_probs[-1, classes[-1]]
    return -(1 - label_smoothing) * of_target - label_smoothing * log_probs[-1].mean()


@misconception(of="cross_entropy", caught_by="is_a_mean_over_the_batch")
def takes_softmax_down_the_columns(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You normalise over the batch, axis 0: each row is one sample, whose scores are normalised over the classes, axis
    1."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    shifted = scores - scores.max(axis=0, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=0, keepdims=True))
    of_target = log_probs[np.arange(len(classes)), classes].mean()
    return -(1 - label_smoothing) * of_target - label_smoothing * log_probs.mean()


@misconception(of="cross_entropy", caught_by="is_a_mean_over_the_batch")
def sums_the_whole_batch_in_the_normaliser(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """Your normaliser sums over the whole batch, because sum() has no axis: each row has a normaliser of its own, over
    axis 1."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum())
    of_target = log_probs[np.arange(len(classes)), classes].mean()
    return -(1 - label_smoothing) * of_target - label_smoothing * log_probs.mean()


@misconception(of="cross_entropy", caught_by="counts_only_rows_that_are_not_ignored")
def divides_by_every_row(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You leave the ignored rows out of the sum but divide by the whole batch: divide by the number of rows that
    count."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    of_target = log_probs[np.arange(len(classes)), classes].sum() / len(targets)
    return -(1 - label_smoothing) * of_target - label_smoothing * log_probs.mean(axis=1).sum() / len(targets)


@misconception(of="cross_entropy", caught_by="counts_only_rows_that_are_not_ignored")
def never_ignores(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You never look at `ignore_index`: leave out the rows whose target equals it, from the sum and from the
    divisor."""
    counted = np.full(len(targets), True)
    scores, classes = logits[counted], targets[counted]
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    of_target = log_probs[np.arange(len(classes)), classes].mean()
    return -(1 - label_smoothing) * of_target - label_smoothing * log_probs.mean()


@misconception(of="cross_entropy", caught_by="counts_only_rows_that_are_not_ignored")
def never_ignores_class_0(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """`if ignore_index:` is false for 0 too, which is a class like any other: compare the targets with `ignore_index`
    in every case."""
    counted = targets != ignore_index if ignore_index else np.full(len(targets), True)
    scores, classes = logits[counted], targets[counted]
    log_probs = _log_probs(scores)
    of_target = log_probs[np.arange(len(classes)), classes].mean()
    return -(1 - label_smoothing) * of_target - label_smoothing * log_probs.mean()


@misconception(of="cross_entropy", caught_by="loss_agrees")
def divides_by_every_row_when_smoothing(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """With label smoothing you divide by the whole batch, without by the number of rows that count: divide by that in
    every case."""
    counted = targets != ignore_index
    log_probs, classes = _log_probs(logits[counted]), targets[counted]
    each = (1 - label_smoothing) * log_probs[np.arange(len(classes)), classes]
    each = each + label_smoothing * log_probs.mean(axis=1)
    return -each.sum() / (len(targets) if label_smoothing > 0 else len(classes))


@misconception(of="cross_entropy", caught_by="smoothing_mixes_in_equal_weights")
def does_not_smooth_by_1(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You take a label smoothing of 1 for none: it may be anything from 0.0 to 1.0, and at 1.0 every class has the
    weight 1 / C."""
    counted = targets != ignore_index
    label_smoothing = label_smoothing if label_smoothing < 1 else 0.0
    log_probs, classes = _log_probs(logits[counted]), targets[counted]
    of_target = log_probs[np.arange(len(classes)), classes].mean()
    return -(1 - label_smoothing) * of_target - label_smoothing * log_probs.mean()


@misconception(of="cross_entropy", caught_by="counts_only_rows_that_are_not_ignored")
def ignores_minus_100_only(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You compare the targets with -100, which is only the default: compare with `ignore_index`."""
    counted = targets != -100
    scores, classes = logits[counted], targets[counted]
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    of_target = log_probs[np.arange(len(classes)), classes].mean()
    return -(1 - label_smoothing) * of_target - label_smoothing * log_probs.mean()


@misconception(of="cross_entropy", caught_by="counts_only_rows_that_are_not_ignored")
def ignores_negative_targets_only(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You ignore the targets below 0, but `ignore_index` may be a real class or a large number: compare the targets
    with it."""
    counted = targets >= 0
    scores, classes = logits[counted], targets[counted]
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    of_target = log_probs[np.arange(len(classes)), classes].mean()
    return -(1 - label_smoothing) * of_target - label_smoothing * log_probs.mean()


@misconception(of="cross_entropy", caught_by="counts_only_rows_that_are_not_ignored")
def ignores_whatever_is_no_class(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You ignore the targets outside 0 .. C - 1, but `ignore_index` may be a real class: compare the targets
    with it."""
    counted = (targets >= 0) & (targets < logits.shape[1])
    scores, classes = logits[counted], targets[counted]
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    of_target = log_probs[np.arange(len(classes)), classes].mean()
    return -(1 - label_smoothing) * of_target - label_smoothing * log_probs.mean()


@misconception(of="cross_entropy", caught_by="counts_only_rows_that_are_not_ignored")
def zeroes_ignored_logits(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You set the ignored rows' logits to 0 and go on, so that each of them still costs log(C) and counts in the
    divisor: leave those rows out."""
    counted = targets != ignore_index
    scores, classes = logits * counted[:, None], targets * counted
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    of_target = log_probs[np.arange(len(classes)), classes].mean()
    return -(1 - label_smoothing) * of_target - label_smoothing * log_probs.mean()


@misconception(of="cross_entropy", caught_by="counts_only_rows_that_are_not_ignored")
def smooths_ignored_rows_too(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """The ignored rows are out of the target's part but not out of the smoothing part: a row that is ignored has no
    part in either."""
    counted = targets != ignore_index
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    of_target = log_probs[counted, targets[counted]].mean()
    return -(1 - label_smoothing) * of_target - label_smoothing * log_probs.mean(axis=1).sum() / counted.sum()


@misconception(of="cross_entropy", caught_by="loss_agrees")
def averages_the_smoothing_over_every_row(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """The smoothing part is a mean over all the rows, the target's part over those that count: leave the ignored rows
    out of both."""
    counted = targets != ignore_index
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    of_target = log_probs[counted, targets[counted]].mean()
    return -(1 - label_smoothing) * of_target - label_smoothing * log_probs.mean()


@misconception(of="cross_entropy", caught_by="loss_agrees")
def removes_the_ignored_class(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You take the ignored class out of the softmax as well: only rows are ignored, the class keeps its score in the
    other rows' sums."""
    counted = targets != ignore_index
    columns = np.flatnonzero(np.arange(logits.shape[1]) != ignore_index)
    scores, classes = logits[counted][:, columns], np.searchsorted(columns, targets[counted])
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    of_target = log_probs[np.arange(len(classes)), classes].mean()
    return -(1 - label_smoothing) * of_target - label_smoothing * log_probs.mean()


@misconception(of="cross_entropy", caught_by="loss_agrees")
def averages_the_probabilities_first(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You take the logarithm of the mean probability: take the mean of the logarithms."""
    with np.errstate(all="ignore"):
        counted = targets != ignore_index
        scores, classes = logits[counted], targets[counted]
        shifted = scores - scores.max(axis=1, keepdims=True)
        log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        of_target = np.log(np.exp(log_probs[np.arange(len(classes)), classes]).mean())
        return -(1 - label_smoothing) * of_target - label_smoothing * log_probs.mean()


@misconception(of="cross_entropy", caught_by="loss_agrees")
def picks_every_target_from_every_row(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """log_probs[:, targets] picks every target's column from every row, an N x N table: pair each row with its own
    target, log_probs[np.arange(N), targets]."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    of_target = log_probs[:, classes].mean()
    return -(1 - label_smoothing) * of_target - label_smoothing * log_probs.mean()


@misconception(of="cross_entropy", caught_by="loss_agrees")
def counts_the_classes_in_the_targets(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You make the one-hot rows as wide as the largest target, and they do not fit when the last classes are absent
    from the batch: the number of classes is logits.shape[1]."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    hot = np.eye(classes.max() + 1, dtype=logits.dtype)[classes]
    of_target = (hot * log_probs).sum(axis=1).mean()
    return -(1 - label_smoothing) * of_target - label_smoothing * log_probs.mean()


@misconception(of="cross_entropy", caught_by="loss_agrees")
def counts_classes_from_one(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You take targets for 1 .. C and subtract 1: classes count from 0."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    of_target = log_probs[np.arange(len(classes)), classes - 1].mean()
    return -(1 - label_smoothing) * of_target - label_smoothing * log_probs.mean()


@misconception(of="cross_entropy", caught_by="loss_agrees")
def takes_the_predicted_class(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You take the log-probability of the class that the model prefers (argmax): take that of the target."""
    counted = targets != ignore_index
    scores = logits[counted]
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    of_target = log_probs.max(axis=1).mean()
    return -(1 - label_smoothing) * of_target - label_smoothing * log_probs.mean()


@misconception(of="cross_entropy", caught_by="loss_agrees")
def measures_the_entropy(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You weigh the log-probabilities by the model's own probabilities, which is the entropy: the targets' distribution
    weighs them."""
    counted = targets != ignore_index
    scores = logits[counted]
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    of_target = (np.exp(log_probs) * log_probs).sum(axis=1).mean()
    return -(1 - label_smoothing) * of_target - label_smoothing * log_probs.mean()


@misconception(of="cross_entropy", caught_by="smoothing_mixes_in_equal_weights")
def spreads_over_the_other_classes(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """This is right under the convention that spreads the smoothing over the C - 1 other classes; here, as in PyTorch,
    it is spread over all C, so that the target has 1 - s + s / C."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    of_target = log_probs[np.arange(len(classes)), classes]
    of_others = (log_probs.sum(axis=1) - of_target) / max(logits.shape[1] - 1, 1)
    return -((1 - label_smoothing) * of_target + label_smoothing * of_others).mean()


@misconception(of="cross_entropy", caught_by="smoothing_mixes_in_equal_weights")
def leaves_the_target_out_of_the_spread(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You give s / C to the other classes but only 1 - s to the target, and the weights do not sum to 1: the target
    gets s / C as well."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    of_target = log_probs[np.arange(len(classes)), classes]
    of_others = (log_probs.sum(axis=1) - of_target) / logits.shape[1]
    return -((1 - label_smoothing) * of_target + label_smoothing * of_others).mean()


@misconception(of="cross_entropy", caught_by="smoothing_mixes_in_equal_weights")
def never_smooths(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You never look at `label_smoothing`: mix the one-hot target with the uniform distribution."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    of_target = log_probs[np.arange(len(classes)), classes].mean()
    return -of_target


@misconception(of="cross_entropy", caught_by="smoothing_mixes_in_equal_weights")
def adds_the_smoothing_on_top(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You add the smoothing part without taking s away from the target: its own part has the weight 1 - s."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    of_target = log_probs[np.arange(len(classes)), classes].mean()
    return -of_target - label_smoothing * log_probs.mean()


@misconception(of="cross_entropy", caught_by="equal_scores_cost_log_of_the_classes")
def smooths_with_the_sum_over_classes(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You add s times the sum over the classes: each class has weight s / C, so it is s times their mean."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    of_target = log_probs[np.arange(len(classes)), classes].mean()
    return -(1 - label_smoothing) * of_target - label_smoothing * log_probs.sum(axis=1).mean()


@misconception(of="cross_entropy", caught_by="equal_scores_cost_log_of_the_classes")
def only_takes_away_from_the_target(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You lower the target's weight to 1 - s and give s to nobody: each of the C classes, the target among them, gets s
    / C."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    of_target = log_probs[np.arange(len(classes)), classes].mean()
    return -(1 - label_smoothing) * of_target


@misconception(of="cross_entropy", caught_by="smoothing_mixes_in_equal_weights")
def mixes_the_wrong_way_round(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """The two parts have changed places: the target has the weight 1 - s and the uniform distribution s."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    of_target = log_probs[np.arange(len(classes)), classes].mean()
    return -label_smoothing * of_target - (1 - label_smoothing) * log_probs.mean()


@misconception(of="cross_entropy", caught_by="loss_agrees")
def computes_in_float32(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You compute in float32 although the logits are float64, and lose half of their digits: keep their dtype."""
    counted = targets != ignore_index
    scores, classes = logits[counted].astype(np.float32), targets[counted]
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    of_target = log_probs[np.arange(len(classes)), classes].mean()
    return float(-(1 - label_smoothing) * of_target - label_smoothing * log_probs.mean())


@misconception(of="cross_entropy", caught_by="loss_agrees")
def returns_a_loss_per_row(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You return the loss of each row: return one number, their mean."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    of_target = log_probs[np.arange(len(classes)), classes]
    return -(1 - label_smoothing) * of_target - label_smoothing * log_probs.mean(axis=1)


@misconception(of="cross_entropy", caught_by="loss_agrees")
def changes_the_logits(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """`logits -= ...` writes into the caller's array: compute `logits - ...` into a new one."""
    logits -= logits.max(axis=1, keepdims=True)
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    of_target = log_probs[np.arange(len(classes)), classes].mean()
    return -(1 - label_smoothing) * of_target - label_smoothing * log_probs.mean()


@misconception(of="cross_entropy", caught_by="loss_agrees")
def changes_the_targets(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You overwrite the ignored targets in the caller's array, to index with them: work on a copy, or leave those rows
    out."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    of_target = log_probs[np.arange(len(classes)), classes].mean()
    targets[~counted] = 0
    return -(1 - label_smoothing) * of_target - label_smoothing * log_probs.mean()


# -- cross_entropy_backward --------------------------------------------------------------------------------------------


@misconception(of="cross_entropy_backward", caught_by="gradient_is_that_of_a_mean")
def forgets_the_mean(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """This is the gradient of the sum over the rows: the loss is a mean, so divide by the number of rows that
    count."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    probs = powers / powers.sum(axis=1, keepdims=True)
    wanted = np.full_like(probs, label_smoothing / logits.shape[1])
    wanted[np.arange(len(classes)), classes] += 1 - label_smoothing
    grad = np.zeros_like(logits)
    grad[counted] = probs - wanted
    return grad


@misconception(of="cross_entropy_backward", caught_by="ignored_rows_have_no_gradient")
def divides_the_gradient_by_every_row(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You divide by the whole batch, ignored rows included: divide by the number of rows that count, as the loss
    does."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    probs = powers / powers.sum(axis=1, keepdims=True)
    wanted = np.full_like(probs, label_smoothing / logits.shape[1])
    wanted[np.arange(len(classes)), classes] += 1 - label_smoothing
    grad = np.zeros_like(logits)
    grad[counted] = (probs - wanted) / len(targets)
    return grad


@misconception(of="cross_entropy_backward", caught_by="gradient_agrees")
def divides_the_gradient_by_the_classes_too(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You divide by N x C, the number of elements: the loss is a mean over rows, so divide by the number of rows that
    count."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    probs = powers / powers.sum(axis=1, keepdims=True)
    wanted = np.full_like(probs, label_smoothing / logits.shape[1])
    wanted[np.arange(len(classes)), classes] += 1 - label_smoothing
    grad = np.zeros_like(logits)
    grad[counted] = (probs - wanted) / probs.size
    return grad


@misconception(of="cross_entropy_backward", caught_by="lies_above_its_tangents")
def turns_the_sign(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """The sign is turned: the gradient is softmax minus the wanted distribution, and points uphill."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    probs = powers / powers.sum(axis=1, keepdims=True)
    wanted = np.full_like(probs, label_smoothing / logits.shape[1])
    wanted[np.arange(len(classes)), classes] += 1 - label_smoothing
    grad = np.zeros_like(logits)
    grad[counted] = (wanted - probs) / len(classes)
    return grad


@misconception(of="cross_entropy_backward", caught_by="gradient_rows_sum_to_zero")
def forgets_to_subtract_the_target(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You return the probabilities: subtract the wanted distribution, 1 at the target."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    probs = powers / powers.sum(axis=1, keepdims=True)
    grad = np.zeros_like(logits)
    grad[counted] = probs / len(classes)
    return grad


@misconception(of="cross_entropy_backward", caught_by="gradient_rows_sum_to_zero")
def touches_the_target_only(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You fill in p - 1 at the target only: raising the score of any other class costs too, by its probability."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    probs = powers / powers.sum(axis=1, keepdims=True)
    wanted = np.full_like(probs, label_smoothing / logits.shape[1])
    wanted[np.arange(len(classes)), classes] += 1 - label_smoothing
    grad = np.zeros_like(logits)
    grad[counted] = np.where(wanted > label_smoothing / logits.shape[1], probs - wanted, 0) / len(classes)
    return grad


@misconception(of="cross_entropy_backward", caught_by="gradient_agrees")
def differentiates_by_the_probabilities(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """-1 / p is the gradient with respect to the probabilities: go on through softmax, which gives p - 1 at the target
    and p elsewhere."""
    with np.errstate(all="ignore"):
        counted = targets != ignore_index
        scores, classes = logits[counted], targets[counted]
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        probs = powers / powers.sum(axis=1, keepdims=True)
        wanted = np.full_like(probs, label_smoothing / logits.shape[1])
        wanted[np.arange(len(classes)), classes] += 1 - label_smoothing
        grad = np.zeros_like(logits)
        grad[counted] = -wanted / probs / len(classes)
        return grad


@misconception(of="cross_entropy_backward", caught_by="gradient_agrees")
def differentiates_softmax_again(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """p - one-hot is already the gradient with respect to the logits, and you send it through softmax's Jacobian once
    more: leave that out."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    probs = powers / powers.sum(axis=1, keepdims=True)
    wanted = np.full_like(probs, label_smoothing / logits.shape[1])
    wanted[np.arange(len(classes)), classes] += 1 - label_smoothing
    grad = np.zeros_like(logits)
    grad[counted] = (probs - wanted) * probs * (1 - probs) / len(classes)
    return grad


@misconception(of="cross_entropy_backward", caught_by="gradient_agrees")
def forgets_softmax(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You subtract the wanted distribution from the logits: subtract it from their softmax."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    probs = powers / powers.sum(axis=1, keepdims=True)
    wanted = np.full_like(probs, label_smoothing / logits.shape[1])
    wanted[np.arange(len(classes)), classes] += 1 - label_smoothing
    grad = np.zeros_like(logits)
    grad[counted] = (scores - wanted) / len(classes)
    return grad


@misconception(of="cross_entropy_backward", caught_by="gradient_rows_sum_to_zero")
def takes_softmax_down_the_columns_going_back(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You normalise over the batch, axis 0: take softmax over the classes, axis 1."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    powers = np.exp(scores - scores.max(axis=0, keepdims=True))
    probs = powers / powers.sum(axis=0, keepdims=True)
    wanted = np.full_like(probs, label_smoothing / logits.shape[1])
    wanted[np.arange(len(classes)), classes] += 1 - label_smoothing
    grad = np.zeros_like(logits)
    grad[counted] = (probs - wanted) / len(classes)
    return grad


@misconception(of="cross_entropy_backward", caught_by="gradient_rows_sum_to_zero")
def subtracts_every_target_from_every_row(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """probs[:, targets] -= 1 touches every target's column in every row: pair each row with its own target,
    probs[np.arange(N), targets] -= 1."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    probs = powers / powers.sum(axis=1, keepdims=True)
    wanted = np.full_like(probs, label_smoothing / logits.shape[1])
    wanted[:, classes] += 1 - label_smoothing
    grad = np.zeros_like(logits)
    grad[counted] = (probs - wanted) / len(classes)
    return grad


@misconception(of="cross_entropy_backward", caught_by="gradient_ignores_a_common_shift")
def overflows_going_back(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """exp() of a large score overflows, and inf / inf is NaN: subtract each row's maximum before exp()."""
    with np.errstate(all="ignore"):
        counted = targets != ignore_index
        scores, classes = logits[counted], targets[counted]
        powers = np.exp(scores)
        probs = powers / powers.sum(axis=1, keepdims=True)
        wanted = np.full_like(probs, label_smoothing / logits.shape[1])
        wanted[np.arange(len(classes)), classes] += 1 - label_smoothing
        grad = np.zeros_like(logits)
        grad[counted] = (probs - wanted) / len(classes)
        return grad


@misconception(of="cross_entropy_backward", caught_by="gradient_ignores_a_common_shift")
def subtracts_the_maximum_of_everything_going_back(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You subtract the largest score of the whole batch; a row far below it underflows to 0 / 0. Each row needs its own
    maximum."""
    with np.errstate(all="ignore"):
        counted = targets != ignore_index
        scores, classes = logits[counted], targets[counted]
        powers = np.exp(scores - scores.max())
        probs = powers / powers.sum(axis=1, keepdims=True)
        wanted = np.full_like(probs, label_smoothing / logits.shape[1])
        wanted[np.arange(len(classes)), classes] += 1 - label_smoothing
        grad = np.zeros_like(logits)
        grad[counted] = (probs - wanted) / len(classes)
        return grad


@misconception(of="cross_entropy_backward", caught_by="ignored_rows_have_no_gradient")
def ignored_rows_keep_their_gradient(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """The rows that are ignored still have softmax's gradient: they have no part in the loss, so set theirs to 0."""
    counted = targets != ignore_index
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    grad = powers / powers.sum(axis=1, keepdims=True)
    grad[counted] -= label_smoothing / logits.shape[1]
    grad[counted, targets[counted]] -= 1 - label_smoothing
    return grad / len(targets[counted])


@misconception(of="cross_entropy_backward", caught_by="ignored_rows_have_no_gradient")
def ignored_rows_keep_their_smoothing(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """The smoothing is subtracted from the ignored rows as well: they have no part in the loss, so their
    gradient is 0."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    probs = powers / powers.sum(axis=1, keepdims=True)
    wanted = np.full_like(probs, label_smoothing / logits.shape[1])
    wanted[np.arange(len(classes)), classes] += 1 - label_smoothing
    grad = np.full_like(logits, -label_smoothing / logits.shape[1] / len(classes))
    grad[counted] = (probs - wanted) / len(classes)
    return grad


@misconception(of="cross_entropy_backward", caught_by="ignored_rows_have_no_gradient")
def never_ignores_going_back(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You never look at `ignore_index`: the rows whose target equals it have gradient 0 and do not count in the
    divisor."""
    counted = np.full(len(targets), True)
    scores, classes = logits[counted], targets[counted]
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    probs = powers / powers.sum(axis=1, keepdims=True)
    wanted = np.full_like(probs, label_smoothing / logits.shape[1])
    wanted[np.arange(len(classes)), classes] += 1 - label_smoothing
    grad = np.zeros_like(logits)
    grad[counted] = (probs - wanted) / len(classes)
    return grad


@misconception(of="cross_entropy_backward", caught_by="ignored_rows_have_no_gradient")
def never_ignores_class_0_going_back(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """`if ignore_index:` is false for 0 too, which is a class like any other: compare the targets with `ignore_index`
    in every case."""
    counted = targets != ignore_index if ignore_index else np.full(len(targets), True)
    return _of_rows(logits, targets, counted, label_smoothing, counted.sum())


@misconception(of="cross_entropy_backward", caught_by="ignored_rows_have_no_gradient")
def divides_by_every_row_when_smoothing_going_back(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """With label smoothing you divide by the whole batch, without by the number of rows that count: divide by that in
    every case."""
    counted = targets != ignore_index
    return _of_rows(logits, targets, counted, label_smoothing, len(targets) if label_smoothing > 0 else counted.sum())


@misconception(of="cross_entropy_backward", caught_by="gradient_agrees")
def does_not_smooth_by_1_going_back(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You take a label smoothing of 1 for none: it may be anything from 0.0 to 1.0, and at 1.0 every class has the
    weight 1 / C."""
    counted = targets != ignore_index
    return _of_rows(logits, targets, counted, label_smoothing if label_smoothing < 1 else 0.0, counted.sum())


@misconception(of="cross_entropy_backward", caught_by="ignored_rows_have_no_gradient")
def ignores_minus_100_only_going_back(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You compare the targets with -100, which is only the default: compare with `ignore_index`."""
    counted = targets != -100
    scores, classes = logits[counted], targets[counted]
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    probs = powers / powers.sum(axis=1, keepdims=True)
    wanted = np.full_like(probs, label_smoothing / logits.shape[1])
    wanted[np.arange(len(classes)), classes] += 1 - label_smoothing
    grad = np.zeros_like(logits)
    grad[counted] = (probs - wanted) / len(classes)
    return grad


@misconception(of="cross_entropy_backward", caught_by="ignored_rows_have_no_gradient")
def ignores_negative_targets_only_going_back(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You ignore the targets below 0, but `ignore_index` may be a real class or a large number: compare the targets
    with it."""
    counted = targets >= 0
    scores, classes = logits[counted], targets[counted]
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    probs = powers / powers.sum(axis=1, keepdims=True)
    wanted = np.full_like(probs, label_smoothing / logits.shape[1])
    wanted[np.arange(len(classes)), classes] += 1 - label_smoothing
    grad = np.zeros_like(logits)
    grad[counted] = (probs - wanted) / len(classes)
    return grad


@misconception(of="cross_entropy_backward", caught_by="ignored_rows_have_no_gradient")
def ignores_whatever_is_no_class_going_back(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You ignore the targets outside 0 .. C - 1, but `ignore_index` may be a real class: compare the targets
    with it."""
    counted = (targets >= 0) & (targets < logits.shape[1])
    scores, classes = logits[counted], targets[counted]
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    probs = powers / powers.sum(axis=1, keepdims=True)
    wanted = np.full_like(probs, label_smoothing / logits.shape[1])
    wanted[np.arange(len(classes)), classes] += 1 - label_smoothing
    grad = np.zeros_like(logits)
    grad[counted] = (probs - wanted) / len(classes)
    return grad


@misconception(of="cross_entropy_backward", caught_by="gradient_agrees")
def ignores_a_column(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You set the ignored class's column to 0 as well: only the rows whose target it is are ignored, in the other rows
    it is a class like any other."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    probs = powers / powers.sum(axis=1, keepdims=True)
    wanted = np.full_like(probs, label_smoothing / logits.shape[1])
    wanted[np.arange(len(classes)), classes] += 1 - label_smoothing
    grad = np.zeros_like(logits)
    grad[counted] = (probs - wanted) / len(classes)
    grad[:, np.arange(logits.shape[1]) == ignore_index] = 0
    return grad


@misconception(of="cross_entropy_backward", caught_by="gradient_agrees")
def drops_the_ignored_rows(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You return a row for each row that counts: the gradient has the shape of the logits, with zeros where a row is
    ignored."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    probs = powers / powers.sum(axis=1, keepdims=True)
    wanted = np.full_like(probs, label_smoothing / logits.shape[1])
    wanted[np.arange(len(classes)), classes] += 1 - label_smoothing
    grad = (probs - wanted) / len(classes)
    return grad


@misconception(of="cross_entropy_backward", caught_by="gradient_agrees")
def never_smooths_going_back(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """The loss has label smoothing, its gradient has not: subtract the smoothed distribution, 1 - s on the target plus
    s / C on each class."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    probs = powers / powers.sum(axis=1, keepdims=True)
    wanted = np.zeros_like(probs)
    wanted[np.arange(len(classes)), classes] += 1
    grad = np.zeros_like(logits)
    grad[counted] = (probs - wanted) / len(classes)
    return grad


@misconception(of="cross_entropy_backward", caught_by="gradient_agrees")
def spreads_over_the_other_classes_going_back(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """This is right under the convention that spreads the smoothing over the C - 1 other classes; here, as in PyTorch,
    it is spread over all C, so that the target has 1 - s + s / C."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    probs = powers / powers.sum(axis=1, keepdims=True)
    wanted = np.full_like(probs, label_smoothing / max(logits.shape[1] - 1, 1))
    wanted[np.arange(len(classes)), classes] = 1 - label_smoothing
    grad = np.zeros_like(logits)
    grad[counted] = (probs - wanted) / len(classes)
    return grad


@misconception(of="cross_entropy_backward", caught_by="gradient_rows_sum_to_zero")
def leaves_the_target_out_of_the_spread_going_back(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You give s / C to the other classes but only 1 - s to the target, and the weights do not sum to 1: the target
    gets s / C as well."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    probs = powers / powers.sum(axis=1, keepdims=True)
    wanted = np.full_like(probs, label_smoothing / logits.shape[1])
    wanted[np.arange(len(classes)), classes] = 1 - label_smoothing
    grad = np.zeros_like(logits)
    grad[counted] = (probs - wanted) / len(classes)
    return grad


@misconception(of="cross_entropy_backward", caught_by="gradient_rows_sum_to_zero")
def only_takes_away_from_the_target_going_back(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You lower the target's weight to 1 - s and give s to nobody: each of the C classes, the target among them, gets s
    / C."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    probs = powers / powers.sum(axis=1, keepdims=True)
    wanted = np.zeros_like(probs)
    wanted[np.arange(len(classes)), classes] += 1 - label_smoothing
    grad = np.zeros_like(logits)
    grad[counted] = (probs - wanted) / len(classes)
    return grad


@misconception(of="cross_entropy_backward", caught_by="gradient_rows_sum_to_zero")
def adds_the_smoothing_on_top_going_back(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You subtract s / C everywhere and still a whole 1 at the target, so that the weights sum to 1 + s: the target's
    own part is 1 - s."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    probs = powers / powers.sum(axis=1, keepdims=True)
    wanted = np.full_like(probs, label_smoothing / logits.shape[1])
    wanted[np.arange(len(classes)), classes] += 1
    grad = np.zeros_like(logits)
    grad[counted] = (probs - wanted) / len(classes)
    return grad


@misconception(of="cross_entropy_backward", caught_by="gradient_agrees")
def counts_the_classes_in_the_targets_going_back(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You make the one-hot rows as wide as the largest target, and they do not fit when the last classes are absent
    from the batch: the number of classes is logits.shape[1]."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    probs = powers / powers.sum(axis=1, keepdims=True)
    hot = np.eye(classes.max() + 1, dtype=logits.dtype)[classes]
    wanted = (1 - label_smoothing) * hot + label_smoothing / logits.shape[1]
    grad = np.zeros_like(logits)
    grad[counted] = (probs - wanted) / len(classes)
    return grad


@misconception(of="cross_entropy_backward", caught_by="gradient_agrees")
def counts_classes_from_one_going_back(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You take targets for 1 .. C and subtract 1: classes count from 0."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    probs = powers / powers.sum(axis=1, keepdims=True)
    wanted = np.full_like(probs, label_smoothing / logits.shape[1])
    wanted[np.arange(len(classes)), classes - 1] += 1 - label_smoothing
    grad = np.zeros_like(logits)
    grad[counted] = (probs - wanted) / len(classes)
    return grad


@misconception(of="cross_entropy_backward", caught_by="gradient_agrees")
def transposes_the_gradient(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You return (C, N): the gradient has the shape of the logits, (N, C)."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    probs = powers / powers.sum(axis=1, keepdims=True)
    wanted = np.full_like(probs, label_smoothing / logits.shape[1])
    wanted[np.arange(len(classes)), classes] += 1 - label_smoothing
    grad = np.zeros_like(logits)
    grad[counted] = (probs - wanted) / len(classes)
    return grad.T


@misconception(of="cross_entropy_backward", caught_by="gradient_agrees")
def computes_in_float32_going_back(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You compute in float32 although the logits are float64, and lose half of their digits: keep their dtype."""
    counted = targets != ignore_index
    scores, classes = logits[counted].astype(np.float32), targets[counted]
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    probs = powers / powers.sum(axis=1, keepdims=True)
    wanted = np.full_like(probs, label_smoothing / logits.shape[1])
    wanted[np.arange(len(classes)), classes] += 1 - label_smoothing
    grad = np.zeros_like(logits)
    grad[counted] = (probs - wanted) / len(classes)
    return grad


@misconception(of="cross_entropy_backward", caught_by="gradient_agrees")
def returns_float64(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You return float64 for float32 logits: the result has their dtype. Beware of np.zeros and np.eye without a dtype,
    and of dividing by a NumPy integer."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    probs = powers / powers.sum(axis=1, keepdims=True)
    wanted = np.full_like(probs, label_smoothing / logits.shape[1])
    wanted[np.arange(len(classes)), classes] += 1 - label_smoothing
    grad = np.zeros(logits.shape)
    grad[counted] = (probs - wanted) / len(classes)
    return grad


@misconception(of="cross_entropy_backward", caught_by="gradient_agrees")
def changes_the_logits_going_back(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You turn the caller's logits into probabilities in place: compute into a new array."""
    logits -= logits.max(axis=1, keepdims=True)
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    probs = powers / powers.sum(axis=1, keepdims=True)
    wanted = np.full_like(probs, label_smoothing / logits.shape[1])
    wanted[np.arange(len(classes)), classes] += 1 - label_smoothing
    grad = np.zeros_like(logits)
    grad[counted] = (probs - wanted) / len(classes)
    return grad


# -- right, but too dear ----------------------------------------------------------------------------------------------


@misconception(of="cross_entropy", caught_by="memory_grows_with_the_logits")
def makes_a_table_of_all_pairs_of_rows(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You make a table of N × N, every row with every row's target, of which only the diagonal is wanted:
    log_probs[:, targets] is one, and so is one_hot @ log_probs.T. Pick pairs: log_probs[np.arange(N), targets]."""
    counted = targets != ignore_index
    log_probs, classes = _log_probs(logits[counted]), targets[counted]
    of_target = np.diagonal(log_probs[:, classes]).mean()
    return float(-(1 - label_smoothing) * of_target - label_smoothing * log_probs.mean())


@misconception(of="cross_entropy", caught_by="memory_grows_with_the_logits")
def looks_ones_up_in_an_identity(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """np.eye(C)[targets] makes a table of C × C to take N of its rows: pick the pairs only,
    log_probs[np.arange(N), targets]."""
    counted = targets != ignore_index
    log_probs, classes = _log_probs(logits[counted]), targets[counted]
    of_target = (np.eye(logits.shape[1])[classes] * log_probs).sum(axis=1).mean()
    return float(-(1 - label_smoothing) * of_target - label_smoothing * log_probs.mean())


@misconception(of="cross_entropy_backward", caught_by="gradient_memory_grows_with_the_logits")
def looks_ones_up_in_an_identity_going_back(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """np.eye(C)[targets] makes a table of C × C to take N of its rows: subtract at the pairs only,
    grad[np.arange(N), targets] -= 1."""
    counted = targets != ignore_index
    classes, size = targets[counted], logits.shape[1]
    probs = np.exp(_log_probs(logits[counted]))
    wanted = (1 - label_smoothing) * np.eye(size, dtype=probs.dtype)[classes] + label_smoothing / size
    grad = np.zeros_like(logits)
    grad[counted] = (probs - wanted) / len(classes)
    return grad


@misconception(of="cross_entropy_backward", caught_by="gradient_memory_grows_with_the_logits")
def multiplies_by_a_jacobian_row_by_row(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You build softmax's Jacobian, C × C, for one row at a time, and multiply by it: worked out by hand, the product
    is probs - wanted, and no Jacobian is left."""
    counted = targets != ignore_index
    size = logits.shape[1]
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    probs = powers / powers.sum(axis=1, keepdims=True)
    grad = np.zeros_like(logits)
    for n in np.flatnonzero(counted):
        wanted = np.full(size, label_smoothing / size)
        wanted[targets[n]] += 1 - label_smoothing
        grad[n] = -(wanted @ (np.eye(size) - np.outer(np.ones(size), probs[n]))) / counted.sum()
    return grad


@misconception(of="cross_entropy_backward", caught_by="gradient_memory_grows_with_the_logits")
def multiplies_by_whole_jacobians(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You build softmax's Jacobian, C × C, for each row, and multiply by it: worked out by hand, the product is
    probs - wanted, and no Jacobian is left."""
    counted = targets != ignore_index
    scores, classes = logits[counted].astype(np.float64), targets[counted]
    rows, size = scores.shape
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    probs = powers / powers.sum(axis=1, keepdims=True)
    wanted = np.full_like(probs, label_smoothing / size)
    wanted[np.arange(rows), classes] += 1 - label_smoothing
    # The Jacobian of the log-probabilities: row i is onehot(i) - probs.
    jacobian = np.eye(size) - probs[:, None, :]
    grad = np.zeros_like(logits)
    grad[counted] = -np.einsum("ni,nij->nj", wanted, jacobian) / rows
    return grad


@misconception(of="cross_entropy_backward", caught_by="gradient_memory_grows_with_the_logits")
def places_ones_by_a_large_identity(logits, targets, ignore_index=-100, label_smoothing=0.0):
    """You place the ones by an identity of N × N: place pairs, wanted[np.arange(N), targets], which makes no table."""
    counted = targets != ignore_index
    scores, classes = logits[counted], targets[counted]
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    probs = powers / powers.sum(axis=1, keepdims=True)
    hot = np.zeros_like(probs)
    picked = np.eye(len(classes), dtype=probs.dtype)
    np.add.at(hot.T, classes, picked)
    wanted = hot * (1 - label_smoothing) + label_smoothing / logits.shape[1]
    grad = np.zeros_like(logits)
    grad[counted] = (probs - wanted) / len(classes)
    return grad
