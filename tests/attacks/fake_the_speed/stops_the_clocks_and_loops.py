# attack: it replaces every clock and then never ends, so that no time seems to pass
# catalogue: D47
# outcome: timed_out
# wants: nothing
# hasty: yes

import time

import numpy as np

for name in ("time", "perf_counter", "process_time", "monotonic"):
    setattr(time, name, lambda: 0.0)


def softmax(x, axis=-1):
    while True:
        pass


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
