"""A class graded on a cluster: the same reports as here, whoever is killed; nothing that is no report comes back."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from class_samples import put
from dlgrade.errors import GraderError, UsageError
from dlgrade.gradebook import cluster, executor, grade
from dlgrade.gradebook.cluster import Cluster
from dlgrade.gradebook.collect import collect
from dlgrade.gradebook.executor import Failure, Task
from dlgrade.gradebook.grading import Setting
from dlgrade.gradebook.store import Gradebook
from dlgrade.model import Submission
from dlgrade.report.as_json import from_json
from graded_class import CLASS, course_at, isolation, told
from processes import LONG, alive, descendants, until

pytest.importorskip("distributed", reason="dask.distributed is not installed: pip install 'dlgrade[cluster]'")
if sys.platform != "linux":
    pytest.skip("Workers grade on Linux, and /proc says what they leave", allow_module_level=True)

DIES = """\
import os, sys, time
if any("gradebook.cluster" in one for one in sys.orig_argv):
    open({folder!r} + f"/tried-{{time.time_ns()}}", "w").close()
    os.kill(os.getpid(), 9)
"""
SLOW = "import time\ntime.sleep(0.4)\ndef double(x):\n    return x + x\n# "


class Machines:
    """A scheduler and its workers, as an operator starts them."""

    def __init__(self, folder):
        self.folder = folder
        self.workers = []
        file = folder / "scheduler.json"
        self.scheduler = self._start("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", file)
        until(file.exists)
        until(lambda: file.read_text())
        self.address = json.loads(file.read_text())["address"]

    def _start(self, what, *options):
        command = [sys.executable, "-m", f"distributed.cli.{what}", *map(str, options), "--no-dashboard"]
        with (self.folder / f"{what}.log").open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log)

    def worker(self, *options):
        options = options or ("--no-nanny",)
        scratch = self.folder / "scratch"
        its = ("--nthreads", "1", "--local-directory", scratch, "--host", "127.0.0.1")
        before = self.joined()
        self.workers.append(self._start("dask_worker", self.address, *its, *options))
        until(lambda: self.joined() > before)
        return self.workers[-1]

    def joined(self):
        log = self.folder / "dask_worker.log"
        return log.read_text().count("Registered to") if log.exists() else 0

    def end_workers(self):
        for process in self.workers:
            process.terminate() if "--nanny" in process.args else process.kill()
        for process in self.workers:
            process.wait(LONG)
        self.workers = []

    def end(self):
        self.end_workers()
        self.scheduler.kill()
        self.scheduler.wait(LONG)


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Nothing here waits for a worker that does not come."""
    monkeypatch.setattr(cluster, "PATIENCE", 30.0)


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory):
    found = Machines(tmp_path_factory.mktemp("machines"))
    yield found
    found.end()


@pytest.fixture
def machines(scheduler):
    yield scheduler
    scheduler.end_workers()


@pytest.fixture(scope="module")
def level(tmp_path_factory):
    return grade.levels(["numpy"], isolation())


@pytest.fixture
def setting(tmp_path, level):
    return Setting(course_at(tmp_path / "course"), 7, level)


def tasks(setting, many, source=SLOW, exercise="double"):
    loaded = grade.load_exercises(setting.course, {exercise})[exercise]
    submissions = [Submission.of(f"{exercise}.py", f"{source}{n}\n".encode()) for n in range(many)]
    return [Task(f"k{n}", exercise, loaded.digest, one, 60.0) for n, one in enumerate(submissions)]


# -- the same as here --------------------------------------------------------------------------------------------------


class Inside:
    """An executor that grades in this process."""

    def __init__(self, make, jobs=1):
        self._make = make

    def run(self, tasks):
        with self._make() as work:
            for task in tasks:
                yield task, work(task)


def test_a_class_is_graded_as_it_is_here(machines, tmp_path, dlgrade, monkeypatch):
    course_at(tmp_path / "course")
    put(tmp_path / "submissions", CLASS)
    machines.worker("--no-nanny")
    machines.worker("--nanny")  # whose workers may have no children by Python's own means
    command = ["--course", str(tmp_path / "course"), "grade", "--seed", "7", str(tmp_path / "submissions")]
    command += ["--isolation", isolation(), "--out"]
    there = [sys.executable, "-m", "dlgrade", *command, str(tmp_path / "there"), "--cluster", machines.address]
    ran = subprocess.run(there, capture_output=True, text=True, timeout=LONG)
    assert (ran.returncode, "Traceback" in ran.stderr) == (0, False), ran.stderr
    monkeypatch.setattr(executor, "Processes", Inside)
    assert dlgrade(*command, tmp_path / "here").code == 0
    assert told(tmp_path / "there") == told(tmp_path / "here")
    assert (tmp_path / "there" / "grades.csv").read_bytes() == (tmp_path / "here" / "grades.csv").read_bytes()


# -- whoever is killed -------------------------------------------------------------------------------------------------


def test_a_worker_that_is_killed_loses_nothing(machines, setting):
    workers = [machines.worker(), machines.worker()]
    wanted = tasks(setting, 8)
    found = []
    run = Cluster(machines.address, setting).run(wanted)
    found.append(next(run))
    beside = descendants(workers[0].pid)
    workers[0].kill()
    found += run
    assert sorted(task.key for task, _ in found) == sorted(task.key for task in wanted)
    assert all(from_json(json.loads(answer)).points == 7 for _, answer in found)
    until(lambda: not any(map(alive, beside)))
    until(lambda: not descendants(workers[1].pid))


def test_both_are_killed_and_a_rerun_finishes(machines, setting, tmp_path):
    workers = [machines.worker(), machines.worker()]
    put(tmp_path / "submissions", {f"s{n}/double.py": f"{SLOW}{n}\n" for n in range(6)})
    submissions = collect([tmp_path / "submissions"], setting.course).submissions
    loaded = grade.load_exercises(setting.course, {"double"})

    def graded(book, patience):
        wanted = grade.plan(submissions, setting, book.records())
        there = Cluster(machines.address, setting, patience=patience)
        its = grade.tasks_of(wanted, loaded)
        return grade.grade(wanted, its, loaded, setting, book, there, lambda: datetime.now(UTC))

    with Gradebook.open(tmp_path / "gradebook.db", write=True) as book:
        run = graded(book, 1.0)
        next(run)
        for worker in workers:
            worker.kill()
        with pytest.raises(GraderError, match=r"No worker of the cluster could grade for 1 s\. What was graded"):
            list(run)
        before = len(list(book.records()))
        assert 0 < before < 6
        assert all(one.points == 7 for one in book.records()), "none is broken: nobody tried"
        machines.worker()
        assert len(list(graded(book, 60.0))) == 6 - before
        assert sorted(one.student for one in book.records()) == [f"s{n}" for n in range(6)]


def test_what_kills_its_process_is_tried_twice_and_then_told(machines, setting, tmp_path):
    checks = tmp_path / "course" / "solutions" / "01_first" / "shift" / "checks.py"
    checks.write_text(checks.read_text("utf-8") + DIES.format(folder=str(tmp_path)), "utf-8")
    worker = machines.worker()
    bad = tasks(setting, 1, "def shift(x): return x + 1\n#", exercise="shift")
    good = tasks(setting, 2)
    found = {task.exercise + task.key: answer for task, answer in Cluster(machines.address, setting).run(bad + good)}
    assert found["shiftk0"] == Failure("The process that graded it died.")
    assert len(list(tmp_path.glob("tried-*"))) == 2
    assert all(isinstance(found[f"doublek{n}"], str) for n in range(2))
    assert worker.poll() is None


def test_a_scheduler_that_is_killed_is_told(setting, tmp_path):
    machines = Machines(tmp_path)
    try:
        machines.worker()
        run = Cluster(machines.address, setting).run(tasks(setting, 4))
        next(run)
        machines.scheduler.kill()
        with pytest.raises(GraderError, match=r"The scheduler of the cluster does not answer any more"):
            list(run)
    finally:
        machines.end()


# -- who takes what ----------------------------------------------------------------------------------------------------


def test_what_wants_a_gpu_goes_to_a_worker_that_has_one(machines, setting):
    machines.worker()
    one, two = tasks(setting, 2)
    (answer,) = [answer for _, answer in Cluster(machines.address, setting, {"double"}, patience=3.0).run([one])]
    assert isinstance(answer, Failure)
    assert "No worker with a GPU could take it within 3 s" in answer.why
    labelled = machines.worker("--no-nanny", "--resources", "GPU=1")
    (answer,) = [answer for _, answer in Cluster(machines.address, setting, {"double"}).run([two])]
    assert isinstance(answer, str)
    assert labelled.poll() is None


def slot(host="h", **fields):
    return cluster._Slot("tcp://x", host, **{"gpu": False, "ready": True, **fields})


def test_what_is_timed_has_its_machine_for_itself(setting):
    from dataclasses import replace

    plain, *timed = (replace(one, alone=n > 0) for n, one in enumerate(tasks(setting, 3)))
    run = SimpleNamespace(
        _slots=[slot(), slot(), slot("other")],
        _waiting=cluster.Waiting([plain, *timed]),
        _waiting_gpu=cluster.Waiting([]),
        _gpu=frozenset(),
        _ours="",
        _submit=lambda *_, **__: None,
    )
    cluster._Run._give(run)
    assert [one.task and one.task.alone for one in run._slots] == [False, None, True]
    run._slots[0].task = None
    cluster._Run._give(run)
    cluster._Run._give(run)
    assert [one.task and one.task.alone for one in run._slots] == [True, None, True]
    run._waiting.put(plain, first=True)  # it comes back, since its worker died
    cluster._Run._give(run)
    assert [one.task and one.task.alone for one in run._slots] == [True, None, True]


# -- what is not the same ----------------------------------------------------------------------------------------------


def test_a_worker_on_which_something_differs_says_what(setting, tmp_path):
    same = json.loads(cluster._told(setting, {"double"}, "run"))
    cluster._setting_of(json.dumps(same))
    other = {**same, "same": {**same["same"], "numpy": "0.1", "the code of dlgrade": "f" * 64}}
    with pytest.raises(UsageError, match=r"the code of dlgrade differs") as caught:
        cluster._setting_of(json.dumps(other))
    assert "numpy is " in str(caught.value)
    with pytest.raises(UsageError, match=r"has no triple"):
        cluster._setting_of(json.dumps({**same, "same": {"the exercise triple": "x"}}))
    with pytest.raises(UsageError, match=r"There is no course .*nowhere on it"):
        cluster._setting_of(json.dumps({**same, "root": str(tmp_path / "nowhere")}))
    path = tmp_path / "course/solutions/01_first/double/checks.py"
    path.write_text(path.read_text("utf-8") + "# changed\n", "utf-8")
    answer = json.loads(cluster.begin(json.dumps(same)))
    assert answer["kind"] == "refused"
    assert "the exercise double differs" in answer["said"]
    assert not cluster._all


def test_bytes_that_changed_on_the_way_are_not_graded():
    task = json.dumps({"sha256": "0" * 64})
    assert json.loads(cluster.graded("{}", task, b"x = 1\n"))["kind"] == "failed"


def future(result=None, *, status="finished", error=None):
    return SimpleNamespace(status=status, result=lambda timeout: result, exception=lambda timeout: error)


@pytest.mark.parametrize(
    "result",
    ["", "[]", "{}", "no", None, 7, b"x", json.dumps({"kind": "done", "said": "{}"}), "[" * 100_000,
     json.dumps({"kind": "done", "said": json.dumps({"schema": "dlgrade.report/1", "checks": 3})})],
)  # fmt: skip
def test_what_is_no_report_is_no_answer(result):
    kind, said = cluster._answer(future(result))
    assert kind == "failed"
    assert said.startswith("The worker's answer is no report: ")


def test_what_a_worker_raises_is_said_as_text():
    kind, said = cluster._answer(future(status="error", error=ModuleNotFoundError("No module named '\x1b[31mdlgrade'")))
    assert (kind, said) == ("failed", r"The worker failed: ModuleNotFoundError: No module named '\x1b[31mdlgrade'.")
    assert cluster._answer(future(status="lost")) == ("failed", "The worker failed: dask gave the task up.")


# -- mistakes ----------------------------------------------------------------------------------------------------------


def test_no_scheduler_is_told(setting, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.5)
    with pytest.raises(UsageError, match=r"No scheduler answers at tcp://127\.0\.0\.1:1"):
        list(Cluster("tcp://127.0.0.1:1", setting).run(tasks(setting, 1)))
    with pytest.raises(UsageError, match=r"No scheduler answers at nonsense://"):
        list(Cluster("nonsense://", setting).run(tasks(setting, 1)))
    assert list(Cluster("tcp://127.0.0.1:1", setting).run([])) == []


def test_without_dask_the_extra_is_named(setting, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError, match=r"needs dask\.distributed") as caught:
        Cluster("tcp://127.0.0.1:1", setting)
    assert "dlgrade[cluster]" in caught.value.mend


def test_the_number_of_processes_is_the_workers_matter(dlgrade, tmp_path):
    course_at(tmp_path / "course")
    ran = dlgrade(
        "--course", tmp_path / "course", "grade", tmp_path, "--out", tmp_path / "out", "--cluster", "x", "-j", 2
    )
    assert (ran.code, "its workers say" in ran.err) == (2, True)
