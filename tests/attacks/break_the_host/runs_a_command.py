# attack: it runs a command by subprocess, os.system, posix_spawn and all others
# catalogue: E71
# outcome: failed
# wants: fork

import os
import pty
import subprocess

import numpy as np


def attempt():
    ways = (
        lambda: subprocess.run(["true"], check=True),
        lambda: subprocess.Popen("true", shell=True),
        lambda: os.popen("true"),
        lambda: os.spawnv(os.P_WAIT, "/bin/true", ["true"]),
        lambda: os.posix_spawn("/bin/true", ["true"], {}),
        lambda: pty.spawn("true"),
        lambda: os.forkpty(),
    )
    for way in ways:
        try:
            return way()
        except OSError as error:
            refused = error
    if os.system("true") == 0:
        return "a shell"
    raise refused


try:
    print("SUCCESS:", attempt())
except BaseException as error:
    print("it did not work:", type(error).__name__, error)


def softmax(x, axis=-1):
    return np.zeros_like(x)


def softmax_backward(grad, probs, axis=-1):
    return np.zeros_like(probs)
