# attack: a second interpreter in the process has none of the first one's guards
# catalogue: E71
# outcome: failed
# wants: write
# succeeds at: process

import glob
import importlib.util
import os
import sys

import numpy as np


def attempt():
    [path] = [path for folder in sys.path for path in glob.glob(f"{folder}/_xxsubinterpreters*.so")]
    spec = importlib.util.spec_from_file_location("math._xxsubinterpreters", path)
    interpreters = importlib.util.module_from_spec(spec)
    program = "import sys; sys.path.append('@SITE@'); import click; open('@FOLDER@/mark', 'w').close()"
    interpreters.run_string(interpreters.create(), program)
    return os.path.getsize("@FOLDER@/mark")


try:
    print("SUCCESS:", attempt())
except BaseException as error:
    print("it did not work:", type(error).__name__, error)


def softmax(x, axis=-1):
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
