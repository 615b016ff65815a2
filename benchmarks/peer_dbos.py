"""The same shapes on DBOS with its SQLite database.

Run by a Python that has `dbos`, in an empty folder: `python peer_dbos.py w1`.

Everything is as DBOS has it by default; instances are started and waited for through its own
asynchronous calls.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import time
from typing import Any

from dbos import DBOS  # type: ignore[import-not-found]


@DBOS.step()
async def hello(name: str) -> str:
    return f"Hello {name}"


@DBOS.workflow()
async def sequence(steps: int) -> int:
    return len([await hello("Tokyo") for _ in range(steps)])


@DBOS.workflow()
async def fan_out(width: int) -> int:
    return len(await asyncio.gather(*[hello("Tokyo") for _ in range(width)]))


@DBOS.workflow()
async def wait_for_go() -> Any:
    return await DBOS.recv_async("go", timeout_seconds=600)


async def _batch(workflow: Any, count: int, *arguments: Any) -> float:
    began = time.perf_counter()
    handles = await asyncio.gather(
        *[DBOS.start_workflow_async(workflow, *arguments) for _ in range(count)]
    )
    await asyncio.gather(*[handle.get_result() for handle in handles])
    return time.perf_counter() - began


async def w1() -> dict[str, float]:
    return {"rate": 1000 / await _batch(sequence, 1000, 3)}


async def w1_one() -> dict[str, float]:
    return {"ms": 1000 * statistics.median([await _batch(sequence, 1, 3) for _ in range(50)])}


async def w2_1x1000() -> dict[str, float]:
    return {"rate": 1000 / await _batch(fan_out, 1, 1000)}


async def w2_100x100() -> dict[str, float]:
    return {"rate": 10_000 / await _batch(fan_out, 100, 100)}


async def w4_1000() -> dict[str, float]:
    handles = await asyncio.gather(*[DBOS.start_workflow_async(wait_for_go) for _ in range(1000)])
    began = time.perf_counter()
    for handle in handles:
        await DBOS.send_async(handle.workflow_id, "x", "go")
    for handle in handles:
        await handle.get_result()
    return {"rate": 1000 / (time.perf_counter() - began)}


WORKLOADS = {each.__name__: each for each in (w1, w1_one, w2_1x1000, w2_100x100, w4_1000)}

if __name__ == "__main__":
    DBOS(
        config={
            "name": "bench",
            "system_database_url": "sqlite:///bench.sqlite",
            "log_level": "ERROR",
        }
    )
    DBOS.launch()
    print("FIGURES", json.dumps(asyncio.run(WORKLOADS[sys.argv[1]]())), flush=True)
    os._exit(0)  # its threads would keep the process
