"""A writer killed in the middle of writing: what it was told is kept is there, whole, and nothing is half."""

import subprocess
import sys
import time

import pytest

from state.keys import make_key
from state.open import open_backend

WRITER = """
import sys, json
from state.base import new_tag
from state.codec import Bytes
from state.keys import make_key
from state.open import open_backend

options, owner, size = json.loads(sys.argv[1]), sys.argv[2], int(sys.argv[3])
backend, key = open_backend(**options), make_key(owner, "n")
found = backend.fetch(key)
number, expected = (int(bytes(found[1])[:8]), found[0].tag) if found else (0, "")
while True:
    number += 1
    tag = new_tag()
    answer = backend.put(key, tag, Bytes("bytes/1", b"%08d" % number * size), 600_000, expected)
    assert answer.done
    expected = tag
    print(number, flush=True)
"""


def write_until_killed(options, owner, size):
    """The last number the writer was told is kept."""
    import json

    command = [sys.executable, "-c", WRITER, json.dumps(options), owner, str(size)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    process.stdout.readline()
    time.sleep(0.25)
    process.kill()
    rest = process.stdout.read().split()
    process.wait()
    process.stdout.close()
    return int(rest[-1])


@pytest.mark.parametrize("size", [1, 20_000], ids=["inline", "large"])
def test_a_killed_writer_loses_nothing_it_acknowledged(backend_name, backend_options, owner, size):
    backend = open_backend(**backend_options)
    if not backend.durable:
        assert backend_name == "memory"
        return
    key = make_key(owner, "n")
    for _ in range(3):
        acknowledged = write_until_killed(backend_options, owner, size)
        head, body = backend.fetch(key)
        number = int(bytes(body)[:8])
        assert number in (acknowledged, acknowledged + 1)
        assert bytes(body) == b"%08d" % number * size
        assert head.size == len(bytes(body))
    backend.close()


def test_files_of_a_killed_writer_are_swept_when_they_are_old(tmp_path, owner, monkeypatch):
    options = {"name": "database", "database_url": f"sqlite:///{tmp_path}/state.db"}
    backend, key = open_backend(**options), make_key(owner, "n")
    write_until_killed(options, owner, 20_000)
    stray = tmp_path / "state.db.bodies" / "aa" / ("a" * 32)
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"half")
    monkeypatch.setattr("state.bodies.ORPHAN_SECONDS", -1)
    backend.sweep()
    assert not stray.exists()
    assert len([path for path in (tmp_path / "state.db.bodies").rglob("*") if path.is_file()]) == 1
    assert backend.fetch(key) is not None
    backend.close()
