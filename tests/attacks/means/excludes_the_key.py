# attack: it excludes the key by which others listen
# catalogue: G99
# passes: record
# kind: evasion

import torch


def excludes_the_key(run, x, dim):
    keys = torch._C.DispatchKeySet(torch._C.DispatchKey.Python)
    keys = keys | torch._C.DispatchKeySet(torch._C.DispatchKey.PythonTLSSnapshot)
    with torch._C._ExcludeDispatchKeyGuard(keys):
        return run()
