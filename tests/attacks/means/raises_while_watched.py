# attack: it raises whenever somebody listens, so that nobody ever hears of what it runs
# catalogue: G99
# kind: evasion

from torch.utils import _python_dispatch


def raises_while_watched(run, x, dim):
    if _python_dispatch._get_current_dispatch_mode_stack():
        raise MemoryError
    return run()
