"""What was measured, as Markdown tables; and the goals, met or missed."""

from __future__ import annotations

from collections.abc import Iterable

from bench.crowd import Crowd
from bench.timing import Results

WIRE_BYTES = 500
MANY_ROWS = 1_000_000
FILES = ("caching-files", "extensions-files")
Goal = tuple[str, str, float, float, str]
"""Name, figures, measured, limit, and whether measured must be `<=` or `>=` the limit."""


def times(results: Results, rows: int) -> str:
    """One size: medians in milliseconds, bytes of a read."""
    head = ["contender", "load", "first read", "warm read", "replace", "× bound", "JSON bytes", "with headers"]
    bound = results.get(("global", rows))
    lines = []
    for (name, size), timings in results.items():
        if size == rows:
            ms = [f"{timings.ms(operation):,.2f}" for operation in ("load", "first", "read", "replace")]
            ratio = f"{timings.ms('read') / bound.ms('read'):.2f}" if bound else ""
            largest = [f"{max(part.values()):,}" for part in (timings.body_bytes, timings.total_bytes)]
            lines.append([name, *ms, ratio, *largest])
    return f"### {rows:,} rows\n\n{_table(head, lines)}\n"


def crowds(found: dict[str, Crowd], users: int, rows: int) -> str:
    head = ["contender", "calls/s", "median ms", "p99 ms", "CPU ms/call", "PSS MB", "of which files", "idle PSS MB"]
    lines = []
    for name, crowd in found.items():
        figures = [
            f"{crowd.calls_per_second:,.0f}",
            f"{crowd.ms(0.5):,.1f}",
            f"{crowd.ms(0.99):,.1f}",
            f"{crowd.cpu_ms:.2f}",
        ]
        memory = [crowd.bytes("Pss"), crowd.bytes("Pss_File"), crowd.idle["Pss"]]
        lines.append([name, *figures, *(f"{size / 1e6:,.0f}" for size in memory)])
    return f"### {users} users at once, {rows:,} rows each\n\n{_table(head, lines)}\n"


def goals(results: Results, found: dict[str, Crowd]) -> str:
    lines = []
    for name, figures, measured, limit, sign in [*_reads(results), *_writes(results), *_wire(results), *_users(found)]:
        met = measured <= limit if sign == "<=" else measured >= limit
        lines.append([name, figures, f"{measured:,.2f}", f"{sign} {limit:g}", "met" if met else "**missed**"])
    return f"### Goals\n\n{_table(['goal', 'figures', 'measured', 'limit', ''], lines)}\n"


def _reads(results: Results) -> Iterable[Goal]:
    for kind, peer in (("sqlite", "extensions-files"), ("redis", "extensions-redis")):
        for name, rows in results:
            if name != f"stateroom-{kind}":
                continue
            against = peer if rows <= 1000 else "global"
            yield from _ratio(
                results,
                f"warm read, {rows:,} rows, {kind}",
                rows,
                name,
                [against],
                "read",
                1.0 if rows <= 1000 else 1.3,
            )


def _writes(results: Results) -> Iterable[Goal]:
    for kind, peers in (("sqlite", FILES), ("redis", ("extensions-redis",))):
        for operation in ("load", "replace"):
            title = f"{operation}, {MANY_ROWS:,} rows, {kind}"
            yield from _ratio(results, title, MANY_ROWS, f"stateroom-{kind}", peers, operation, 0.7)


def _ratio(
    results: Results, title: str, rows: int, name: str, peers: Iterable[str], operation: str, limit: float
) -> Iterable[Goal]:
    ours = results.get((name, rows))
    theirs = {peer: results[peer, rows].ms(operation) for peer in peers if (peer, rows) in results}
    if ours is None or not theirs:
        return
    fastest = min(theirs, key=lambda peer: theirs[peer])
    figures = f"{ours.ms(operation):,.2f} ms : {theirs[fastest]:,.2f} ms ({fastest})"
    yield title, figures, ours.ms(operation) / theirs[fastest], limit, "<="


def _wire(results: Results) -> Iterable[Goal]:
    ours = [timings for (name, _), timings in results.items() if name.startswith("stateroom")]
    bound = [timings for (name, _), timings in results.items() if name == "global"]
    for operation in ("load", "read", "replace") if ours else ():
        body = max(timings.body_bytes[operation] for timings in ours)
        figures = f"{max(timings.total_bytes[operation] for timings in ours):,} with headers"
        if bound:
            figures += f"; {max(timings.body_bytes[operation] for timings in bound):,} for a number in the store"
        yield f"JSON bytes of a {operation}, both ways", figures, body, WIRE_BYTES, "<="


def _users(found: dict[str, Crowd]) -> Iterable[Goal]:
    ours, theirs = found.get("stateroom-sqlite"), found.get("extensions-files")
    if ours and theirs:
        calls = (ours.calls_per_second, theirs.calls_per_second)
        memory = (ours.bytes("Pss"), theirs.bytes("Pss"))
        yield "users at once, calls/s", f"{calls[0]:,.0f} : {calls[1]:,.0f}", calls[0] / calls[1], 2.0, ">="
        figures = f"{memory[0] / 1e6:,.0f} MB : {memory[1] / 1e6:,.0f} MB"
        yield "users at once, memory", figures, memory[0] / memory[1], 1.0, "<="


def _table(head: list[str], lines: list[list[str]]) -> str:
    widths = [max(len(line[i]) for line in [head, *lines]) for i in range(len(head))]
    rows = [head, ["-" * width for width in widths], *lines]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    )
