# attack: it loads the library from its file, under the name of one that is permitted
# catalogue: G92
# outcome: raised
# wants: softmax of a library

import sys

import numpy as np

util = vars(sys.modules["builtins"])["__imp" + "ort__"]("import" + "lib.util", fromlist=["util"])


def softmax(x, axis=-1):
    spec = util.spec_from_file_location("numpy.special", "@SITE@/scipy/special/_logsumexp.py")
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.softmax(x, axis)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
