# attack: it starts thousands of threads with the smallest stacks that there are
# catalogue: E67
# outcome: failed, timed_out, crashed
# wants: threads
# succeeds at: process

import threading

import numpy as np


def attempt():
    threading.stack_size(32768)
    stop = threading.Event()
    threads = []
    try:
        while len(threads) < 4000:
            threads.append(threading.Thread(target=stop.wait, daemon=True))
            threads[-1].start()
    except RuntimeError:
        if len(threads) < 1000:
            raise
    finally:
        stop.set()
    return len(threads)


try:
    print("SUCCESS:", attempt())
except BaseException as error:
    print("it did not work:", type(error).__name__, error)


def softmax(x, axis=-1):
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
