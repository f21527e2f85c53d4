"""Time and wire bytes of server-side state in Dash: Stateroom beside its peers, in one run on one machine.

python -m bench.state                    # the whole table, about ten minutes
python -m bench.state --quick            # a sanity run
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from pathlib import Path

ROOT = str(Path(__file__).resolve().parent.parent)
sys.path[:] = [ROOT, *(entry for entry in sys.path if entry != str(Path(__file__).resolve().parent))]

from bench import crowd, report, timing  # noqa: E402
from bench.apps import CONTENDERS  # noqa: E402
from bench.servers import THREADS, WORKERS, serve  # noqa: E402
from tests.servers import redis_server  # noqa: E402

CROWD = ["extensions-files", "stateroom-sqlite"]


def options(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("bench.state", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", default="1000,100000,1000000", help="sizes of the table")
    parser.add_argument("--contenders", default=",".join(CONTENDERS))
    parser.add_argument("--repeat", default="30,10,6", help="rounds per size; the last one holds for larger sizes too")
    parser.add_argument("--reads", type=int, default=10, help="warm reads per round")
    parser.add_argument("--users", type=int, default=16, help="users at once; 0 leaves that part out")
    parser.add_argument("--seconds", type=float, default=15, help="how long the users read, per turn")
    parser.add_argument("--turns", type=int, default=2, help="turns of every contender in the part with users")
    parser.add_argument("--crowd-rows", type=int, default=100_000, help="rows of each user's table")
    parser.add_argument("--folder", default=None, help="where files are kept while it runs")
    parser.add_argument("--quick", action="store_true", help="1,000 rows, 3 rounds, one second of users")
    chosen = parser.parse_args(arguments)
    if chosen.quick:
        chosen.rows, chosen.repeat, chosen.reads = "1000", "3", 3
        chosen.users, chosen.seconds, chosen.turns, chosen.crowd_rows = 4, 1.0, 1, 1000
    return chosen


def main(arguments: list[str] | None = None) -> int:
    chosen = options(arguments)
    contenders = [name for name in chosen.contenders.split(",") if name in CONTENDERS]
    rounds = [int(number) for number in chosen.repeat.split(",")]
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}; gunicorn gthread, ", end="")
    print(f"{WORKERS} workers (1 where memory is not shared) of {THREADS} threads\n")
    results: timing.Results = {}
    crowds: dict[str, crowd.Crowd] = {}
    with redis_server() as redis_url, tempfile.TemporaryDirectory(prefix="bench-state-", dir=chosen.folder) as folder:
        for i, rows in enumerate(int(number) for number in chosen.rows.split(",")):
            with serve(contenders, rows, Path(folder), redis_url) as servers:
                repeat = rounds[min(i, len(rounds) - 1)]
                for name, timings in timing.measure(servers, repeat, chosen.reads).items():
                    results[name, rows] = timings
            print(report.times(results, rows), flush=True)
        in_crowd = [name for name in CROWD if name in contenders] if chosen.users else []
        if in_crowd:
            crowds = crowd.measure(in_crowd, chosen, Path(folder), redis_url)
            print(report.crowds(crowds, chosen.users, chosen.crowd_rows), flush=True)
    if not chosen.quick:
        print(report.goals(results, crowds))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
