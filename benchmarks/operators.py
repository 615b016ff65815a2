"""What a command over many instances costs, beside bare httpx.Client threads that send the same
requests to the same `durablectl serve`.

usage: python benchmarks/operators.py [--starts 10000] [--waits 1000] [--listed 100000]
[--terminated 10000]

Each command is a process of its own, its start-up included. Only the ratios count: machines differ.
The peak memory is that of `list`.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue

import httpx

BASE = "/runtime/webhooks/durabletask"
THREADS = 8
APP = """
from durablectl import df

app = df.DFApp()


@app.orchestration_trigger(context_name="context")
def echo(context):
    return context.get_input()
    yield


@app.orchestration_trigger(context_name="context")
def never(context):
    yield context.wait_for_external_event("Never")
"""
PEAK = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "durablectl", *words]


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def run(folder: Path, *words: str, stdin: str | None = None) -> None:
    done = subprocess.run(
        command(*words, "-q"),
        cwd=folder,
        input=stdin,
        stdout=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"durablectl {' '.join(words)} ended with {done.returncode}")


def bare(url: str, requests: Sequence[tuple[str, str, bytes | None]]) -> None:
    """The same requests from as many threads, each with a client of its own."""
    todo: SimpleQueue[tuple[str, str, bytes | None]] = SimpleQueue()
    for request in requests:
        todo.put(request)

    def work() -> None:
        with httpx.Client(base_url=url) as client:
            while True:
                try:
                    method, target, body = todo.get_nowait()
                except Empty:
                    return
                client.request(method, BASE + target, content=body).raise_for_status()

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        command("serve", "--port", str(port), "--log", "off"),
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(400):
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                break
            except OSError:
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def ids_of(prefix: str, count: int) -> list[str]:
    return [f"{prefix}{number:07}" for number in range(count)]


def lines(folder: Path, name: str, orchestrator: str, count: int, prefix: str | None) -> str:
    """A file for `start --batch`."""
    starts = ({"name": orchestrator, "input": number} for number in range(count))
    named = (
        each if prefix is None else {**each, "instanceId": f"{prefix}{number:07}"}
        for number, each in enumerate(starts)
    )
    (folder / name).write_text("".join(json.dumps(each) + "\n" for each in named))
    return name


def remote(
    folder: Path, url: str, starts: int, waits: int, terminated: int
) -> Iterator[tuple[str, float, float]]:
    ours = timed(
        lambda: run(
            folder, "start", "--batch", lines(folder, "s.jsonl", "echo", starts, None), "--hub", url
        )
    )
    posts = [("POST", f"/orchestrators/echo/{each}", b"1") for each in ids_of("bare", starts)]
    yield f"start --batch of {starts}", ours, timed(lambda: bare(url, posts))
    names = ids_of("bare", waits)
    bare_waits = timed(
        lambda: bare(url, [("GET", f"/instances/{each}?showInput=false", None) for each in names])
    )
    yield (
        f"wait on {waits} ids",
        timed(lambda: run(folder, "wait", "-", "--hub", url, stdin="\n".join(names))),
        bare_waits,
    )
    run(
        folder,
        "start",
        "--batch",
        lines(folder, "n.jsonl", "never", terminated * 2, "never"),
        "--hub",
        url,
    )
    half = [
        ("POST", f"/instances/{each}/terminate?reason=x", None)
        for each in ids_of("never", terminated)
    ]
    bare_ends = timed(lambda: bare(url, half))
    ends = ids_of("never", terminated * 2)[terminated:]
    yield (
        f"terminate {terminated} ids",
        timed(lambda: run(folder, "terminate", "-", "--hub", url, stdin="\n".join(ends))),
        bare_ends,
    )


def local(folder: Path, listed: int, terminated: int) -> Iterator[tuple[str, float, str]]:
    many = lines(folder, "many.jsonl", "never", listed, "many")
    yield (
        f"local hub: start --batch of {listed}",
        timed(lambda: run(folder, "start", "--batch", many)),
        "s",
    )
    for form in ("jsonl", "json", "text"):
        measured = subprocess.run(
            [sys.executable, "-c", PEAK, *command("list", "-o", form)],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
        code, peak = map(int, measured.stdout.split())
        if code:
            raise SystemExit(f"list ended with {code}")
        yield (
            f"local hub: list -o {form} of {listed}, peak memory",
            peak / (1024 if sys.platform == "linux" else 1024**2),
            "MB",
        )
    hub = (".durablectl/hub.db", "--yes", "--limit", str(terminated))
    took = timed(lambda: run(folder, "terminate", "--name", "never", "--hub", *hub))
    yield f"local hub: terminate {terminated} by filter", took, "s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    for name, count in (
        ("starts", 10_000),
        ("waits", 1000),
        ("listed", 100_000),
        ("terminated", 10_000),
    ):
        parser.add_argument(f"--{name}", type=int, default=count)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "function_app.py").write_text(APP)
        with serving(folder) as url:
            for what, ours, theirs in remote(
                folder, url, given.starts, given.waits, given.terminated
            ):
                print(
                    f"{what:<45} {ours:7.2f} s, bare {theirs:7.2f} s, ratio {ours / theirs:5.2f}",
                    flush=True,
                )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "function_app.py").write_text(APP)
        for what, measured, unit in local(folder, given.listed, given.terminated):
            print(f"{what:<55} {measured:7.2f} {unit}", flush=True)


if __name__ == "__main__":
    os.environ["DURABLECTL_NO_PROGRESS"] = "1"
    main()
