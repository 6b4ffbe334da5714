"""What a submission finds around itself, and what the grader never does with it."""

from __future__ import annotations

import importlib.util
import json
import os
import random
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from dlgrade.sandbox import launch
from dlgrade.sandbox.calls import Raised, Returned
from dlgrade.sandbox.client import WorkerTarget
from processes import alive, linux_only
from sandbox_targets import ask, posix_only, submission

Submit = Callable[..., WorkerTarget]

SITE = launch.site_of("numpy")


# -- nothing of the grader's -------------------------------------------------------------------------------------------


def test_the_environment_holds_nothing_of_the_graders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "s3cr3t")
    monkeypatch.setenv("PYTHONPATH", "/s3cr3t")
    monkeypatch.setenv("HOME", "/home/s3cr3t")
    source = "import os\ndef f(): return dict(os.environ)"
    with WorkerTarget(submission(source), module="task", names=["f"]) as target:
        reply = ask(target)
    assert isinstance(reply, Returned)
    assert not [value for value in reply.value.values() if "s3cr3t" in value]
    assert set(reply.value) <= {
        "PATH", "HOME", "TMPDIR", "LC_ALL", "PYTHONHASHSEED", "PYTHONUTF8", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "DLGRADE_WORKER", "SYSTEMROOT", "LC_CTYPE",
    }  # fmt: skip


@linux_only
def test_it_inherits_no_open_file(submit: Submit, tmp_path: Path) -> None:
    with (tmp_path / "secret").open("w") as secret:
        os.set_inheritable(secret.fileno(), True)
        source = """
            import os
            def f(): return {fd: os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")[:-1]}
        """
        with WorkerTarget(submission(source), module="task", names=["f"]) as target:
            reply = ask(target)
    assert isinstance(reply, Returned)
    kinds = [name.partition(":")[0] for _, name in sorted(reply.value.items())]
    assert kinds == ["/dev/null", "pipe", "pipe", "socket"]


def test_no_module_of_the_grader_is_in_its_process(submit: Submit) -> None:
    target = submit(
        """
        import sys
        def f(): return [sorted(sys.modules), sys.path, sys.argv]
        def g():
            import dlgrade
        """,
        "f", "g",
    )  # fmt: skip
    reply = ask(target)
    assert isinstance(reply, Returned)
    modules, path, _ = reply.value
    assert not [name for name in modules if name.partition(".")[0] in ("dlgrade", "hypothesis", "pytest", "click")]
    assert not [folder for folder in path if "site-packages" in folder]
    assert isinstance(ask(target, name="g"), Raised)


# -- the same every time -----------------------------------------------------------------------------------------------


def test_random_numbers_and_hashes_follow_from_the_seed(submit: Submit) -> None:
    source = """
        import random, sys
        import numpy as np
        def f(): return [random.random(), np.random.rand(), hash("text"), sys.flags.hash_randomization]
    """
    one, other, third = (ask(submit(source, seed=seed)) for seed in (7, 7, 8))
    assert isinstance(one, Returned)
    assert isinstance(third, Returned)
    assert one == other
    assert one.value[0] == random.Random(7).random()
    assert one.value[1] == np.random.RandomState(7).rand()
    assert one.value[3] == 0
    assert [a == b for a, b in zip(one.value, third.value, strict=True)] == [False, False, True, True]


def test_a_seed_may_be_larger_than_numpys(submit: Submit) -> None:
    assert ask(submit("def f(): return 1", seed=2**62)) == Returned(1)


# -- imports -----------------------------------------------------------------------------------------------------------

IMPORTS = {
    "plain": "import scipy",
    "of a part": "from scipy.special import softmax",
    "torch": "import torch",
    "a single file": "import py",
    "a name that nobody has": "import no_such_module",
    "by __import__": "__import__('scipy')",
    "by importlib": "import importlib; importlib.import_module('scipy.special')",
    "with the path extended": "import sys; sys.path.append(SITE); import scipy",
    "with the path replaced": "import sys; sys.path[:] = [SITE]; import scipy",
    "a file that it wrote itself": """
        import sys
        open("mine.py", "w").close()
        sys.path.append(".")
        import mine
    """,
    "by site": "import site; site.addsitedir(SITE); import scipy",
    "by its file": """
        import importlib.util
        spec = importlib.util.spec_from_file_location("scipy", SITE + "/scipy/__init__.py")
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
    """,
    "by its file, under the framework's name": """
        import importlib.util
        spec = importlib.util.spec_from_file_location("numpy.special", SITE + "/scipy/special/__init__.py")
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
    """,
    "a single file, by its path": """
        import importlib.util
        spec = importlib.util.spec_from_file_location("math", SITE + "/py.py")
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
    """,
    "a machine-code module, under the framework's name": """
        import glob, importlib.util
        path = glob.glob(SITE + "/scipy/special/_ufuncs.*so")[0]
        spec = importlib.util.spec_from_file_location("numpy._ufuncs", path)
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
    """,
    "a machine-code module, through a link": """
        import glob, importlib.util, os
        os.symlink(glob.glob(SITE + "/scipy/special/_ufuncs.*so")[0], "_ufuncs.so")
        spec = importlib.util.spec_from_file_location("numpy._ufuncs", os.path.abspath("_ufuncs.so"))
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
    """,
    "its machine code": "import ctypes, glob; ctypes.CDLL(glob.glob(SITE + '/scipy/special/_ufuncs.*so')[0])",
    "its text": "exec(open(SITE + '/scipy/__init__.py').read())",
    "its text, by another way": "import os; exec(open(os.path.join(SITE, 'numpy', '..', 'py.py')).read())",
    "run as a script": "import runpy; runpy.run_path(SITE + '/py.py')",
    "as a module of its package": "import numpy; numpy.__path__.append(SITE); import numpy.scipy",
}


@posix_only
@pytest.mark.parametrize("statement", IMPORTS.values(), ids=IMPORTS)
def test_no_other_library_can_be_loaded(submit: Submit, statement: str) -> None:
    for needed in ("scipy", "torch", "py"):
        if importlib.util.find_spec(needed) is None:
            pytest.skip(f"{needed} is not installed here, so refusing it would show nothing")
    source = f"SITE = {str(SITE)!r}\ndef f():\n{textwrap.indent(textwrap.dedent(statement).strip(), '    ')}\n"
    reply = ask(submit(source))
    assert isinstance(reply, Raised), reply
    assert {"ImportError", "PermissionError"} & set(reply.kinds)
    if "ModuleNotFoundError" not in reply.kinds:
        assert "numpy alone" in reply.message


@pytest.mark.parametrize(
    "statement",
    [
        "import numpy.testing, numpy.fft, numpy.polynomial, numpy.ma",
        "import math, itertools, functools, dataclasses, typing, collections.abc, json, re, time, ctypes, sqlite3",
        "import sysconfig; sysconfig.get_config_vars()",
        "import traceback, warnings, inspect; traceback.print_stack(); inspect.getsource(np.ma)",
        "np.linalg.svd(np.eye(3)); np.fft.fft(np.ones(8)); np.random.default_rng(0).normal()",
        "open('scratch.txt', 'w').write('x'); open('scratch.txt').read()",
    ],
)
def test_the_standard_library_and_all_of_numpy_are_there(submit: Submit, statement: str) -> None:
    assert isinstance(ask(submit(f"import numpy as np\ndef f():\n    {statement}")), Returned)


PROCESSES = {
    "fork": "os.fork()",
    "forkpty": "os.forkpty()",
    "system": "os.system('true')",
    "popen": "os.popen('true')",
    "exec": "os.execv('/bin/true', ['true'])",
    "execve": "os.execve('/bin/true', ['true'], {})",
    "posix_spawn": "os.posix_spawn('/bin/true', ['true'], {})",
    "spawn": "os.spawnv(os.P_WAIT, '/bin/true', ['true'])",
    "subprocess": "import subprocess; subprocess.run(['true'])",
    "pty": "import pty; pty.spawn('true')",
    "multiprocessing": "import multiprocessing as m; m.get_context('fork').Process(target=print).start()",
    "multiprocessing, afresh": "import multiprocessing as m; m.get_context('spawn').Process(target=print).start()",
    "multiprocessing, by a server": "import multiprocessing as m; m.get_context('forkserver').Process().start()",
    "shared memory": "from multiprocessing.shared_memory import SharedMemory; SharedMemory(create=True, size=8)",
    "a pool": "from concurrent.futures import ProcessPoolExecutor as P; P(1).submit(print).result()",
}


@posix_only
@pytest.mark.parametrize("statement", PROCESSES.values(), ids=PROCESSES)
def test_no_process_can_be_started_the_ordinary_way(submit: Submit, statement: str) -> None:
    reply = ask(submit(f"import os\ndef f():\n    {statement}\n    return os.getpid()"))
    assert isinstance(reply, Raised), reply
    assert reply.kinds[0] == "PermissionError"


# -- what the grader never does ----------------------------------------------------------------------------------------

MARK = "mark_of_the_submission"

WATCHED = f"""
import json, pickle, sys

seen = []

def shown(argument):
    if hasattr(argument, "co_code"):
        return f"code of {{argument.co_filename}}: {{argument.co_names}} {{argument.co_consts}} {{argument.co_name}}"
    return argument.decode("utf-8", "replace") if isinstance(argument, (bytes, bytearray)) else str(argument)

def hook(event, arguments):
    if event in ("compile", "exec", "import", "marshal.loads", "pickle.find_class", "code.__new__", "ctypes.dlopen"):
        text = " ".join(map(shown, arguments))
        if {MARK!r} in text or event == "pickle.find_class":
            seen.append([event, text[:200]])

sys.addaudithook(hook)
"""


def _watched(body: str) -> list[list[str]]:
    """What a process that watches itself saw of the submission."""
    done = subprocess.run(
        [sys.executable, "-c", f"{WATCHED}\n{textwrap.dedent(body)}\nprint(json.dumps(seen), file=sys.stderr)"],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    found: list[list[str]] = json.loads(done.stderr.splitlines()[-1])
    return found


def test_the_watch_sees_what_it_is_to_see() -> None:
    body = f"""
        exec(compile("def {MARK}(): pass", "x", "exec"))
        try: import {MARK}
        except ImportError: pass
        pickle.loads(pickle.dumps(pickle.PickleError()))
    """
    assert {event for event, _ in _watched(body)} == {"compile", "exec", "import", "pickle.find_class"}


@pytest.mark.parametrize("end", ["return x * 2", "raise ValueError(x)", "import os; os._exit(1)", "while True: pass"])
def test_the_grader_never_compiles_imports_or_unpickles_a_submission(end: str) -> None:
    source = f"import numpy as np\n\ndef {MARK}(x):\n    '''{MARK}'''\n    {end}\n\nfrom json import dumps as f\n"
    body = f"""
        import hashlib
        import numpy as np
        from dlgrade.model import Submission
        from dlgrade.sandbox import client
        from dlgrade.sandbox.calls import Call
        from dlgrade.sandbox.syntax import Facts, Reading

        source = {source.encode()!r}
        facts = Reading(source).result()
        assert isinstance(facts, Facts) and facts.uses, facts
        handed_in = Submission("{MARK}.py", source, hashlib.sha256(source).hexdigest())
        with client.WorkerTarget(handed_in, module="{MARK}", names=["{MARK}", "f"]) as target:
            for name in ("{MARK}", "f"):
                target.call_many([Call(name, (np.zeros(3),), want_after=True)], seconds=0.2)
            target.take_output()
    """
    assert _watched(body) == []


@linux_only
def test_a_submission_leaves_nothing_in_the_graders_process(submit: Submit) -> None:
    """Not even a child: the worker is the only one, and it is gone."""
    target = submit("import os\ndef f(): return os.getpid()")
    reply = ask(target)
    assert isinstance(reply, Returned)
    assert "task" not in sys.modules
    target.close()
    assert not alive(reply.value)
