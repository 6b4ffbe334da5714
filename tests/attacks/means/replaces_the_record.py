# attack: it finds who listens, and has it note nothing
# catalogue: G99
# passes: record
# kind: evasion

import gc

from torch.utils import _python_dispatch


def replaces_the_record(run, x, dim):
    for mode in _python_dispatch._get_current_dispatch_mode_stack():
        mode.calls = type("Nothing", (dict,), {"__getitem__": lambda self, key: 0, "__setitem__": lambda *_: None})()
    return run()
