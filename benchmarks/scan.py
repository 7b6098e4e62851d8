"""Measure `dfdetect scan`: its time against two baselines in the same run, its memory, its start.

    python benchmarks/scan.py [--runs 3] [--clips FOLDER] [--write]

Every figure is the median over whole processes, start-up included, run in turn (A B C A B C …), so that what
else happens on the machine meets all alike. The clips are made on the way, once if --clips names a folder to
keep them in. The tables are Markdown; --write puts them into benchmarks/README.md. It wants a quiet machine.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

HERE = Path(__file__).parent
README = HERE / "README.md"
BEGIN, END = "<!-- scan.py --write: begin -->\n", "<!-- scan.py --write: end -->\n"
SCAN = (str(Path(sys.executable).with_name("dfdetect")), "scan", "--format", "jsonl", "--quiet")
FRAMES = ("--frames", "30")  # as many as the reference pipeline looks at in 10 s at 30 frames a second
VERDICTS = (0, 1, 2)  # exit codes that scan may have; the portrait's verdict is not the subject here

_TICKS = os.sysconf("SC_CLK_TCK")
_OTHERS = 0.05  # share of the machine that other processes may take during a run
_ATTEMPTS = 20

Command = Sequence[str]


@dataclass(frozen=True)
class Run:
    """One process, measured from start to end.

    Attributes:
        seconds: Wall clock.
        cpu: Seconds of CPU, of all its threads and processes.
        megabytes: Most memory of any one of its processes, 10^6 bytes.
        output: What it printed.
    """

    seconds: float
    cpu: float
    megabytes: float
    output: str


@dataclass(frozen=True)
class Row:
    """A line of the table: what is measured, the figure, its target, and whether it is met."""

    what: str
    measured: str
    target: str = "none"
    met: bool | None = None


class Bench:
    """Runs processes in turn and keeps what they took.

    Args:
        environment: Of the processes.
        runs: How many of each.

    Attributes:
        taken: What each piece of work took, by name.
        disturbed: Runs that count although other processes kept the machine busy.
    """

    def __init__(self, environment: dict[str, str], runs: int) -> None:
        self._environment, self._runs = environment, runs
        self.taken: dict[str, list[Run]] = {}
        self.disturbed = 0

    def turn(
        self,
        prefix: str,
        works: dict[str, Sequence[Command]],
        runs: int = 0,
        before: Callable[[Command], None] = lambda command: None,
    ) -> None:
        """Run pieces of work in turn, each one process or several one after the other.

        Args:
            prefix: Of their names.
            works: Commands by name.
            runs: How many of each, if not as many as of all others.
            before: Called before each process, also before one that is run again: takes away what it makes.
        """
        for _ in range(runs or self._runs):
            for name, commands in works.items():
                done = [self.run(command, before) for command in commands]
                whole = Run(
                    seconds=sum(run.seconds for run in done),
                    cpu=sum(run.cpu for run in done),
                    megabytes=max(run.megabytes for run in done),
                    output=done[-1].output,
                )
                self.taken.setdefault(prefix + name, []).append(whole)
                print(f"{prefix + name}: {whole.seconds:.2f} s, {whole.megabytes:.0f} MB", file=sys.stderr)

    def run(self, command: Command, before: Callable[[Command], None] = lambda command: None) -> Run:
        """Run one process; again when others kept the machine busy meanwhile, at last in spite of that."""
        for _ in range(_ATTEMPTS):
            before(command)
            busy, total = _jiffies()
            run = self._run(command)
            busy_after, total_after = _jiffies()
            others = (busy_after - busy) / _TICKS - run.cpu
            if others <= _OTHERS * (total_after - total) / _TICKS:
                return run
            print(f"others took {others:.1f} s of CPU; once more", file=sys.stderr)
        self.disturbed += 1
        return run

    def _run(self, command: Command) -> Run:
        with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
            started = time.perf_counter()
            process = subprocess.Popen(command, stdout=output, stderr=errors, env=self._environment)
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - started
            process.returncode = os.waitstatus_to_exitcode(status)
            output.seek(0), errors.seek(0)
            if process.returncode not in (VERDICTS if command[:2] == SCAN[:2] else (0,)):
                raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}\n{errors.read()}")
            cpu = usage.ru_utime + usage.ru_stime
            return Run(seconds, cpu, usage.ru_maxrss * 1024 / 1e6, output.read())

    def seconds(self, name: str) -> float:
        """Return the median time."""
        return statistics.median(run.seconds for run in self.taken[name])

    def megabytes(self, name: str) -> float:
        """Return the most memory that any run took."""
        return max(run.megabytes for run in self.taken[name])

    def memory_of_all(self, command: Command) -> float:
        """Run a process, and return the most memory that it and its workers took together; 10^6 bytes."""
        most, over = 0.0, Event()

        def watch() -> None:
            nonlocal most
            while not over.wait(0.05):
                most = max(most, sum(map(_proportional, _descendants(os.getpid()))))

        watcher = Thread(target=watch)
        watcher.start()
        try:
            self.run(command)
        finally:
            over.set()
            watcher.join()
        return most / 1e6


def _jiffies() -> tuple[int, int]:
    """Return how long the cores have worked since the machine started, and how long they have been there."""
    times = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return sum(times) - sum(times[3:5]), sum(times)  # the fourth and fifth are idle


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += map(int, task.read_text().split())
    return found + [far for near in found for far in _descendants(near)]


def _proportional(pid: int) -> int:
    """Return the bytes of a process, with what it shares divided among those who share it."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def one_clip(bench: Bench, clips: Path, name: str, least: float, most: float) -> list[Row]:
    """Scan one clip beside the two baselines."""
    clip = str(clips / f"{name}.mp4")
    works: dict[str, Sequence[Command]] = {
        "reference pipeline": [(sys.executable, str(HERE / "reference_pipeline.py"), clip)],
        "dfdetect scan": [(*SCAN, *FRAMES, clip)],
        "decode only": [(sys.executable, str(HERE / "decode_only.py"), clip)],
    }
    bench.turn(f"{name}, ", works)
    looked = json.loads(bench.taken[f"{name}, dfdetect scan"][0].output)
    other = bench.taken[f"{name}, reference pipeline"][0].output
    if not other.startswith(f"{looked['frames']} frames") or not looked["tracks"]:
        raise SystemExit(f"not the same work: {other}; scan: {looked['frames']} frames")
    reference, ours, bare = (bench.seconds(f"{name}, {work}") for work in works)
    memory = bench.megabytes(f"{name}, dfdetect scan")
    return [
        Row(
            f"{name}: reference pipeline / scan",
            f"{reference / ours:.1f}",
            f"≥ {least:g}",
            reference / ours >= least,
        ),
        Row(f"{name}: scan / decode only", f"{ours / bare:.2f}", f"≤ {most:g}", ours / bare <= most),
        Row(f"{name}: peak memory", f"{memory:.0f} MB", "≤ 600 MB", memory <= 600),
    ]


def start(bench: Bench) -> list[Row]:
    """Measure what `--help` takes beyond an empty Python."""
    works: dict[str, Sequence[Command]] = {
        "dfdetect --help": [(SCAN[0], "--help")],
        "python -c pass": [(sys.executable, "-c", "pass")],
    }
    bench.turn("", works, runs=11)
    more = bench.seconds("dfdetect --help") - bench.seconds("python -c pass")
    return [Row("`dfdetect --help` beyond `python -c pass`", f"{more:.3f} s", "≤ 0.2 s", more <= 0.2)]


def folder(bench: Bench, clips: Path) -> list[Row]:
    """Scan a folder of clips at once, and with one process a clip in turn."""
    files = sorted(map(str, (clips / "480p").iterdir()))
    together = (*SCAN, str(clips / "480p"))
    name = f"folder of {len(files)} clips, "
    bench.turn(name, {"one process a clip": [(*SCAN, file) for file in files], "at once": [together]})
    gain = bench.seconds(name + "one process a clip") / bench.seconds(name + "at once")
    memory = bench.memory_of_all(together)
    return [
        Row("folder: throughput / one process a clip", f"{gain:.2f}", "≥ 1.5", gain >= 1.5),
        Row("folder: peak memory, all processes together", f"{memory:.0f} MB"),
    ]


def film(bench: Bench, clips: Path, hours: float) -> list[Row]:
    """Scan a long film."""
    bench.turn("film, ", {"dfdetect scan": [(*SCAN, str(clips / "film.mp4"))]})
    looked = json.loads(bench.taken["film, dfdetect scan"][0].output)
    length, seconds = looked["media"]["duration"] / 3600, bench.seconds("film, dfdetect scan")
    if abs(length / hours - 1) > 0.01:
        raise SystemExit(f"the film is {length:.2f} h long; empty the folder of clips")
    memory = bench.megabytes("film, dfdetect scan")
    size = (clips / "film.mp4").stat().st_size / 1e9
    name = f"film of {length:.2g} h in 1080p, {size:.1f} GB"
    return [
        Row(f"{name}: {looked['frames']} frames", f"{seconds:.1f} s"),
        Row(f"{name}: peak memory", f"{memory:.0f} MB", "≤ 1000 MB", memory <= 1000),
    ]


def machine() -> str:
    """Describe the machine and what runs on it."""
    info = Path("/proc/cpuinfo").read_text()
    model = next((line.split(":")[1].strip() for line in info.splitlines() if "model name" in line), "")
    cores = len(os.sched_getaffinity(0))
    code = "import av, onnxruntime as o; print(f'PyAV {av.__version__}, ONNX Runtime {o.__version__}')"
    libraries = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip()
    model = model or platform.machine()
    return f"{cores} cores, {model}; Linux, Python {platform.python_version()}, {libraries}"


def as_markdown(rows: Sequence[Row], bench: Bench, runs: int) -> str:
    """Write what was found as Markdown."""
    words = {True: "yes", False: "**no**", None: ""}
    lines = [
        f"{machine()}. Medians of {runs} runs in turn; {bench.disturbed} of all runs were disturbed.",
        "",
        "| | measured | target | met |\n|---|---|---|---|",
        *(f"| {row.what} | {row.measured} | {row.target} | {words[row.met]} |" for row in rows),
        "",
        "| processes | median | least to most | peak memory |\n|---|---|---|---|",
    ]
    for name, taken in bench.taken.items():
        times = sorted(run.seconds for run in taken)
        spread = f"{times[0]:.2f} to {times[-1]:.2f} s"
        lines.append(f"| {name} | {bench.seconds(name):.2f} s | {spread} | {bench.megabytes(name):.0f} MB |")
    return "\n".join(lines) + "\n"


def measure(clips: Path, args: argparse.Namespace) -> str:
    """Make the clips and measure everything; return the tables."""
    sizes = [str(args.seconds), str(args.count), str(args.hours)]
    subprocess.run([sys.executable, str(HERE / "footage.py"), str(clips), *sizes], check=True)
    with tempfile.TemporaryDirectory() as home:  # nobody's profile, no colours
        own = {name: value for name, value in os.environ.items() if not name.startswith("DFDETECT_")}
        bench = Bench(own | {"XDG_CONFIG_HOME": home, "NO_COLOR": "1"}, args.runs)
        parts: dict[str, Callable[[], list[Row]]] = {
            "1080p": lambda: one_clip(bench, clips, "1080p", 8, 2.5),
            "1080p-web": lambda: one_clip(bench, clips, "1080p-web", 8, 2.5),
            "720p": lambda: one_clip(bench, clips, "720p", 6, 3),
            "720p-web": lambda: one_clip(bench, clips, "720p-web", 6, 3),
            "start": lambda: start(bench),
            "folder": lambda: folder(bench, clips),
            "film": lambda: film(bench, clips, args.hours),
        }
        rows = [row for name, part in parts.items() if args.only in (None, name) for row in part()]
        return as_markdown(rows, bench, args.runs)


def main() -> None:
    """Measure, print the tables, and write them if asked to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=3, help="runs whose median counts")
    parser.add_argument("--seconds", type=float, default=10, help="length of the clips")
    parser.add_argument("--count", type=int, default=20, help="clips in the folder")
    parser.add_argument("--hours", type=float, default=2, help="length of the film")
    parser.add_argument("--clips", type=Path, help="folder for the clips; kept, and used again")
    names = ("1080p", "1080p-web", "720p", "720p-web", "start", "folder", "film")
    parser.add_argument("--only", choices=names, help="one part")
    parser.add_argument("--write", action="store_true", help="put the tables into benchmarks/README.md")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tables = measure(args.clips or Path(folder), args)
    print(tables)
    if args.write:
        before, rest = README.read_text(encoding="utf-8").split(BEGIN)
        README.write_text(before + BEGIN + tables + END + rest.split(END)[1], encoding="utf-8")


if __name__ == "__main__":
    main()
