# attack: it replaces json and struct, with which the worker speaks
# catalogue: B24
# outcome: failed,protocol_violation,timed_out,crashed
# wants: nothing
# hasty: yes

import json
import struct

import numpy as np

json.dumps = json.JSONEncoder.encode = lambda *args, **kwargs: '{"verdict": "passed"}'
json.loads = lambda *args, **kwargs: {"verdict": "passed"}
struct.pack = struct.unpack = lambda *args: b"passed"


def softmax(x, axis=-1):
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
