"""Worker processes: what one task does to itself never reaches another, and nobody is left behind."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from deepfake_cli.pipeline.workers import Done, Lost, Progress, Work, supervise

WORK = """
import os, signal, sys, time

def work(task, report):
    kind, value = task
    report(kind)
    if kind == "signal":
        os.kill(os.getpid(), value)
    if kind == "raise":
        raise RuntimeError(value)
    if kind == "exit":
        os._exit(value)
    if kind == "sleep":
        time.sleep(value)
    if kind == "chatter":
        print("not on standard output", flush=True)
    if kind == "large":
        return b"x" * value
    return os.getpid(), value
"""


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Work:
    (tmp_path / "lab_work.py").write_text(WORK)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "lab_work", raising=False)
    import lab_work

    work: Work = lab_work.work
    return work


def ends(events: list[Progress | Done | Lost]) -> dict[int, Done | Lost]:
    finals = [event for event in events if not isinstance(event, Progress)]
    assert len({event.task for event in finals}) == len(finals)
    return {event.task: event for event in finals}


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def wait_for(condition: Callable[[], bool], seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def test_every_task_is_done_once_and_workers_are_kept(work: Work) -> None:
    found = ends(list(supervise(work, [("plain", n) for n in range(8)], jobs=2, timeout=30)))
    assert sorted(found) == list(range(8))
    assert [found[n].value[1] for n in range(8)] == list(range(8))  # type: ignore[union-attr]
    pids = {event.value[0] for event in found.values()}  # type: ignore[union-attr]
    assert len(pids) <= 2
    assert all(gone(pid) for pid in pids)


def test_no_tasks_need_no_workers(work: Work) -> None:
    assert list(supervise(work, [], jobs=4, timeout=1)) == []


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        (("signal", signal.SIGSEGV), "the worker process was killed by SIGSEGV"),
        (("signal", signal.SIGKILL), "the worker process was killed by SIGKILL, perhaps for want of memory"),
        (("signal", signal.SIGSTOP), "took longer than 2 s"),
        (("sleep", 60), "took longer than 2 s"),
        (("exit", 0), "the worker process failed with exit code 0"),
        (("raise", "a bug"), "the worker process failed with exit code 1"),
    ],
)
def test_a_lost_worker_costs_its_task_only(work: Work, task: tuple[str, object], reason: str) -> None:
    tasks = [("plain", 0), task, ("plain", 2), ("plain", 3), ("plain", 4)]
    found = ends(list(supervise(work, tasks, jobs=2, timeout=2)))
    assert found.pop(1) == Lost(1, reason)
    assert {number: event.value[1] for number, event in found.items()} == {0: 0, 2: 2, 3: 3, 4: 4}  # type: ignore[union-attr]


def test_all_tasks_may_be_lost(work: Work) -> None:
    found = ends(list(supervise(work, [("signal", signal.SIGKILL)] * 5, jobs=2, timeout=30)))
    assert [type(found[n]) for n in range(5)] == [Lost] * 5


def test_large_results_and_stray_output_come_through(work: Work, capfd: pytest.CaptureFixture[str]) -> None:
    found = ends(list(supervise(work, [("large", 10_000_000), ("chatter", 1)], jobs=1, timeout=30)))
    assert len(found[0].value) == 10_000_000  # type: ignore[union-attr]
    assert "not on standard output" not in capfd.readouterr().out


def test_time_in_which_the_reader_of_results_is_slow_is_not_counted(work: Work) -> None:
    events = supervise(work, [("plain", 0), ("sleep", 1.0)], jobs=2, timeout=2)
    first = next(event for event in events if isinstance(event, Done))
    assert first.task == 0
    time.sleep(2.5)  # as when the output waits in a pager
    assert [event.task for event in events if isinstance(event, Done)] == [1]


def test_closing_early_ends_the_workers(work: Work) -> None:
    events = supervise(work, [("plain", 0), *[("sleep", 60)] * 3], jobs=2, timeout=90)
    done = next(event for event in events if isinstance(event, Done))
    events.close()
    assert gone(done.value[0])
    assert not children(os.getpid())


def test_workers_die_with_a_killed_parent(work: Work, tmp_path: Path) -> None:
    parent = tmp_path / "parent.py"
    parent.write_text(
        textwrap.dedent(
            f"""
            import sys
            sys.path[:0] = [{str(tmp_path)!r}, {os.getcwd()!r}]
            from lab_work import work
            from deepfake_cli.pipeline.workers import supervise
            for event in supervise(work, [("sleep", 600)] * 2, jobs=2, timeout=900):
                print(event, flush=True)
            """
        )
    )  # no main guard: workers do not run the script again
    with subprocess.Popen([sys.executable, str(parent)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert ["news" in process.stdout.readline() for _ in range(2)] == [True, True]
        workers = children(process.pid)
        assert len(workers) == 2
        process.kill()
    assert wait_for(lambda: all(gone(pid) for pid in workers))


def children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    found = [int(child) for task in tasks for child in task.read_text().split()]
    return [child for child in found if b"pipeline.workers" in Path(f"/proc/{child}/cmdline").read_bytes()]
