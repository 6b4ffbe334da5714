# attack: it switches off the hook by which others listen
# catalogue: G99
# passes: record
# kind: evasion

import torch


def disables_the_dispatch(run, x, dim):
    with torch._C._DisableTorchDispatch():
        return run()
