"""Wrong and slow cross-entropies that students write in torch, and what cures each."""

import torch
from dlgrade.author import misconception


def _log_probs(logits):
    shifted = logits - logits.amax(1, keepdim=True)
    return shifted - shifted.exp().sum(1, keepdim=True).log()


def _of_targets(table, targets):
    return table.gather(1, targets[:, None])[:, 0]


# -- wrong results -----------------------------------------------------------------------------------------------------


@misconception(of="cross_entropy_fast", caught_by="ignores_a_common_shift")
def overflows(logits, targets):
    """exp() overflows near 88 in float32 and near 709 in float64: subtract each row's maximum first, and add it
    again after the logarithm."""
    return (logits.exp().sum(1).log() - _of_targets(logits, targets)).mean()


@misconception(of="cross_entropy_fast", caught_by="a_confident_mistake_costs_the_gap")
def takes_the_logarithm_of_a_probability(logits, targets):
    """You compute the probabilities and then their logarithm; one that is rounded to 0 costs infinity. Subtract
    before exp(), as log(sum(exp(z))) - z[t], and no logarithm meets a 0."""
    powers = torch.exp(logits - logits.amax(1, keepdim=True))
    return -_of_targets(powers / powers.sum(1, keepdim=True), targets).log().mean()


@misconception(of="cross_entropy_fast", caught_by="a_confident_mistake_costs_the_gap")
def adds_a_small_number(logits, targets):
    """You add a small number inside the logarithm, which caps the cost of a mistake at about 20: work with
    log(sum(exp(z))) - z[t], and no logarithm meets a 0."""
    powers = torch.exp(logits - logits.amax(1, keepdim=True))
    return -(_of_targets(powers / powers.sum(1, keepdim=True), targets) + 1e-9).log().mean()


@misconception(of="cross_entropy_fast", caught_by="a_confident_mistake_costs_the_gap")
def clips_the_probabilities(logits, targets):
    """You clip the probabilities from below, which caps the cost of a mistake and stops its gradient: work with
    log(sum(exp(z))) - z[t] instead."""
    powers = torch.exp(logits - logits.amax(1, keepdim=True))
    return -_of_targets(powers / powers.sum(1, keepdim=True), targets).clamp(min=1e-12).log().mean()


@misconception(of="cross_entropy_fast", caught_by="ignores_a_common_shift")
def forgets_to_add_the_maximum(logits, targets):
    """You subtract the maximum before exp(), but take the target's score without it: both belong to the same shifted
    scores. Add the maximum after the logarithm."""
    totals = torch.exp(logits - logits.amax(1, keepdim=True)).sum(1)
    return (totals.log() - _of_targets(logits, targets)).mean()


@misconception(of="cross_entropy_fast", caught_by="ignores_a_common_shift")
def subtracts_the_maximum_of_everything(logits, targets):
    """You subtract the largest score of the whole table; a row far below it underflows, and log(0) is -infinity. Each
    row needs its own maximum: amax(1, keepdim=True)."""
    largest = logits.max()
    return ((logits - largest).exp().sum(1).log() + largest - _of_targets(logits, targets)).mean()


@misconception(of="cross_entropy_fast", caught_by="a_confident_mistake_costs_the_gap")
def subtracts_the_mean(logits, targets):
    """You subtract the mean of each row, and a score far above it still overflows: subtract the maximum."""
    middle = logits.mean(1, keepdim=True)
    return ((logits - middle).exp().sum(1).log() + (middle - logits.gather(1, targets[:, None]))[:, 0]).mean()


@misconception(of="cross_entropy_fast", caught_by="agrees")
def sums_the_rows(logits, targets):
    """You add the rows' losses up: the loss is their mean, so that its size does not depend on the batch's."""
    return -_of_targets(_log_probs(logits), targets).sum()


@misconception(of="cross_entropy_fast", caught_by="agrees")
def divides_by_all_entries(logits, targets):
    """You divide by N · C, the number of scores, as a mean over a one-hot table does: divide by N, the rows."""
    return -_of_targets(_log_probs(logits), targets).sum() / logits.numel()


@misconception(of="cross_entropy_fast", caught_by="agrees")
def keeps_the_rows(logits, targets):
    """You return a loss for each row: take their mean, a tensor without dimensions."""
    return -_of_targets(_log_probs(logits), targets)


@misconception(of="cross_entropy_fast", caught_by="agrees")
def keeps_a_dimension(logits, targets):
    """You return a tensor of shape (1,): the loss has no dimensions, as mean() over everything gives it."""
    return -_of_targets(_log_probs(logits), targets).mean(0, keepdim=True)


@misconception(of="cross_entropy_fast", caught_by="agrees")
def returns_a_number(logits, targets):
    """You return a Python number, by .item() or float(), and autograd cannot go back through it, let alone that a GPU
    is waited for: return the tensor."""
    return (-_of_targets(_log_probs(logits), targets)).mean().item()


@misconception(of="cross_entropy_fast", caught_by="equal_scores_cost_log_of_the_classes")
def forgets_the_sign(logits, targets):
    """You return the mean log-probability, which is negative: the loss is minus that."""
    return _of_targets(_log_probs(logits), targets).mean()


@misconception(of="cross_entropy_fast", caught_by="agrees")
def normalises_the_batch(logits, targets):
    """You take the maximum and the sum over dimension 0, the rows: the classes are dimension 1."""
    shifted = logits - logits.amax(0, keepdim=True)
    return -_of_targets(shifted - shifted.exp().sum(0, keepdim=True).log(), targets).mean()


@misconception(of="cross_entropy_fast", caught_by="each_row_counts_alike")
def selects_whole_columns(logits, targets):
    """log_probs[:, targets] takes the columns of all targets for every row, N × N entries: a pair of indices for each
    row is log_probs[torch.arange(N), targets], or gather(1, targets[:, None])."""
    return -_log_probs(logits)[:, targets].mean()


@misconception(of="cross_entropy_fast", caught_by="agrees")
def counts_classes_from_one(logits, targets):
    """You take 1 from the targets: they count from 0 already."""
    return -_of_targets(_log_probs(logits), (targets - 1) % logits.shape[1]).mean()


@misconception(of="cross_entropy_fast", caught_by="agrees")
def takes_the_first_class_to_be_ignored(logits, targets):
    """You leave rows out whose target is 0: class 0 is a class as any other, and all rows count."""
    counted = (targets != 0).to(logits.dtype)
    return -(_of_targets(_log_probs(logits), targets) * counted).sum() / counted.sum().clamp(min=1)


@misconception(of="cross_entropy_fast", caught_by="agrees")
def takes_logits_for_probabilities(logits, targets):
    """You take the logarithm of a softmax of a softmax: the logits are scores, and log-softmax is applied once."""
    return -_of_targets(_log_probs(_log_probs(logits).exp()), targets).mean()


@misconception(of="cross_entropy_fast", caught_by="agrees")
def measures_in_bits(logits, targets):
    """You take the logarithm to the base 2: the loss is in nats, by the natural logarithm."""
    return -_of_targets(_log_probs(logits), targets).mean() / torch.log(logits.new_tensor(2.0))


@misconception(of="cross_entropy_fast", caught_by="agrees")
def returns_float64(logits, targets):
    """You work in float64 and return it: the loss has the dtype of the logits."""
    return -_of_targets(_log_probs(logits.double()), targets).mean()


@misconception(of="cross_entropy_fast", caught_by="float32_stays_float32")
def computes_in_float64(logits, targets):
    """You compute in float64 and round at the end: twice the memory traffic on a CPU, and on many a GPU 64 times the
    time. Only the losses of the rows, which are few, may be
    added up in float64."""
    double = logits.double()
    largest = double.amax(1, keepdim=True)
    totals = (double - largest).exp().sum(1).log() + largest[:, 0]
    return (totals - _of_targets(double, targets)).mean().to(logits.dtype)


@misconception(of="cross_entropy_fast", caught_by="agrees")
def computes_in_float32(logits, targets):
    """You work in float32 whatever the dtype of the logits, and float64 scores lose half of their digits: stay in the
    dtype of the logits."""
    return -_of_targets(_log_probs(logits.float()), targets).mean().to(logits.dtype)


@misconception(of="cross_entropy_fast", caught_by="agrees")
def overwrites_the_logits(logits, targets):
    """You subtract in place, `logits -= …`, and the caller's scores are changed: logits - … makes a tensor of your
    own, on which exp_() is then free to work."""
    logits -= logits.amax(1, keepdim=True)
    return (logits.exp().sum(1).log() - _of_targets(logits, targets)).mean()


# -- wrong gradients ---------------------------------------------------------------------------------------------------


@misconception(of="cross_entropy_fast", caught_by="gradient")
def holds_the_normaliser_constant(logits, targets):
    """You detach log(sum(exp(z))), and autograd takes it for a constant: the softmax is missing from the gradient. Only
    the maximum may be detached, for it cancels."""
    largest = logits.amax(1, keepdim=True)
    totals = (logits - largest).exp().sum(1).log() + largest[:, 0]
    return (totals.detach() - _of_targets(logits, targets)).mean()


@misconception(of="cross_entropy_fast", caught_by="gradient")
def detaches_the_maximum_once(logits, targets):
    """You detach the maximum where it is subtracted, but not where it is added again, and it no longer cancels in the
    gradient: detach it once, in both places."""
    largest = logits.amax(1, keepdim=True)
    totals = (logits - largest.detach()).exp().sum(1).log() + largest[:, 0]
    return (totals - _of_targets(logits, targets)).mean()


@misconception(of="cross_entropy_fast", caught_by="gradient")
def shuts_autograd_out(logits, targets):
    """You compute without a record, under torch.no_grad(), by .detach() or .data: no gradient reaches the logits. Only
    the maximum may be taken so."""
    with torch.no_grad():
        return -_of_targets(_log_probs(logits), targets).mean()


@misconception(of="cross_entropy_fast", caught_by="gradient")
def takes_a_logarithm_in_place(logits, targets):
    """You overwrite exp()'s result in place, which exp() needs to go back, and autograd refuses: make a new tensor."""
    powers = torch.exp(logits - logits.amax(1, keepdim=True))
    totals = powers.sum(1, keepdim=True)
    return -_of_targets(powers.div_(totals), targets).log().mean()


# -- right results at too high a cost ----------------------------------------------------------------------------------


@misconception(of="cross_entropy_fast", caught_by="fast")
def loops_over_the_rows(logits, targets):
    """You take the rows one at a time in Python, and each small operation costs more to start than to do: reduce along
    dimension 1 and gather the targets' scores, all rows at once."""
    losses = []
    for row, target in zip(logits, targets, strict=True):
        largest = row.max()
        losses.append((row - largest).exp().sum().log() + largest - row[target])
    return torch.stack(losses).mean()


@misconception(of="cross_entropy_fast", caught_by="holds_two_tables_at_most")
def makes_a_table_of_all_pairs_of_rows(logits, targets):
    """You make a table of N × N, every row with every row's target, of which only the diagonal is wanted:
    log_probs[:, targets] is one. Pick pairs: gather(1, targets[:, None])."""
    return -_log_probs(logits)[:, targets].diagonal().mean()


@misconception(of="cross_entropy_fast", caught_by="fast")
def loops_over_small_blocks(logits, targets):
    """You go through the batch in blocks of a few rows, and starting the operations still costs more than the work in
    them: if blocks at all, then of many thousands of scores, so that Python has nothing to do meanwhile."""
    total = 0
    for scores, classes in zip(logits.split(16), targets.split(16), strict=True):
        largest = scores.amax(1)
        totals = (scores - largest[:, None]).exp().sum(1)
        total = total + (totals.log() + largest - _of_targets(scores, classes)).sum()
    return total / len(targets)


@misconception(of="cross_entropy_fast", caught_by="runs_no_python_loop")
def loops_over_the_targets(logits, targets):
    """You pick the targets' scores one at a time in Python: gather(1, targets[:, None]) picks them all at once."""
    log_probs = _log_probs(logits)
    return -torch.stack([log_probs[n, target] for n, target in enumerate(targets)]).mean()


@misconception(of="cross_entropy_fast", caught_by="runs_no_python_loop")
def loops_over_the_classes(logits, targets):
    """You go through the classes in a Python loop with a running sum: sum(1) does it in one operation."""
    largest, total = logits.amax(1), 0
    for column in logits.unbind(1):
        total = total + (column - largest).exp()
    return (total.log() + largest - _of_targets(logits, targets)).mean()


@misconception(of="cross_entropy_fast", caught_by="holds_two_tables_at_most")
def subtracts_a_column_from_a_row(logits, targets):
    """gather(1, targets[:, None]) has shape (N, 1), and a vector of shape (N,) minus it is a table of N × N, whose mean
    happens to be right: take its column [:, 0] first, or keep the dimension in the other one too."""
    shifted = logits - logits.amax(1, keepdim=True)
    return (shifted.exp().sum(1).log() - shifted.gather(1, targets[:, None])).mean()


@misconception(of="cross_entropy_fast", caught_by="holds_two_tables_at_most")
def multiplies_by_a_one_hot_table(logits, targets):
    """You make a one-hot table of the targets, as large as the logits, to multiply all but one score of a row by 0:
    gather(1, targets[:, None]) takes the one that is wanted."""
    one_hot = torch.zeros_like(logits)
    one_hot[torch.arange(len(targets)), targets] = 1
    log_probs = _log_probs(logits)
    return -(one_hot * log_probs).sum(1).mean()


@misconception(of="cross_entropy_fast", caught_by="holds_two_tables_at_most")
def looks_ones_up_in_an_identity(logits, targets):
    """torch.eye(C)[targets] makes a table of C × C to take N of its rows, and multiplies all but one score of a row by
    0: gather(1, targets[:, None]) takes the one that is wanted."""
    one_hot = torch.eye(logits.shape[1], dtype=logits.dtype, device=logits.device)[targets]
    log_probs = _log_probs(logits)
    return -(one_hot * log_probs).sum(1).mean()


@misconception(of="cross_entropy_fast", caught_by="holds_two_tables_at_most")
def keeps_every_step(logits, targets):
    """You give each step a name, so that the differences, the powers and the log-probabilities are all kept until the
    end: take the powers in place, or let each go before the next, and never make the table of log-probabilities."""
    shifted = logits - logits.amax(1, keepdim=True)
    powers = shifted.exp()
    log_probs = shifted - powers.sum(1, keepdim=True).log()
    return -_of_targets(log_probs, targets).mean()
