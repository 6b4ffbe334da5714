# attack: a thread goes on to write into the result while it is packed
# catalogue: B17
# outcome: failed
# wants: nothing

import threading

import numpy as np


def stir(result, stop):
    while not stop.wait(0.0001):
        result += 1


def softmax(x, axis=-1):
    result = np.zeros_like(x)
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    threading.Thread(target=stir, args=(result, stop)).start()
    return result


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
