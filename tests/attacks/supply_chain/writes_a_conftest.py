# attack: it writes the files that pytest and Python run by themselves
# catalogue: F83
# outcome: failed
# wants: write
# succeeds at: process

import os
import sys
from pathlib import Path

import numpy as np


def attempt():
    written = []
    for folder in ("@FOLDER@", os.getcwd(), "@SITE@/dlgrade-never-there", *sys.path[:1]):
        for name in ("conftest.py", "sitecustomize.py", "usercustomize.py", "evil.pth"):
            try:
                Path(folder, name).write_text("import os; os.environ['OWNED'] = 'yes'")
                written.append(os.path.join(folder, name))
            except OSError as error:
                refused = error
    if not written:
        raise refused
    for name in written:
        if not name.startswith("@FOLDER@"):
            os.unlink(name)
    return written


try:
    print("SUCCESS:", attempt())
except BaseException as error:
    print("it did not work:", type(error).__name__, error)


def softmax(x, axis=-1):
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
