# attack: it leaves marks wherever it can, and looks for those of whoever ran before
# catalogue: C45
# outcome: crashed
# wants: nothing

import builtins
import os
import sys

import numpy as np

PLACES = (np, builtins, sys, np.ndarray.__module__ and np.linalg, sys.modules["wire"])
for place in PLACES:
    if hasattr(place, "left_by_the_student_before"):
        print("SUCCESS:", place, place.left_by_the_student_before)
    place.left_by_the_student_before = "a mark"
if "LEFT" in os.environ:
    print("SUCCESS: the environment is another's")
os.environ["LEFT"] = "a mark"
for name in ("left-by-the-student-before",):
    try:
        if os.path.exists(name):
            print("SUCCESS: found", name)
        with open(name, "w") as file:
            file.write("a mark")
    except OSError:
        pass


def softmax(x, axis=-1):
    os._exit(1)  # so that the next call has a worker that comes after this one


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
