"""The latest answers of a process."""

from __future__ import annotations

from domain.data.kept import Kept


def test_an_answer_is_found_once_and_the_oldest_goes() -> None:
    kept, asked = Kept[int](2), []

    def find(n: int) -> int:
        return kept.get(n, lambda: asked.append(n) or n)

    assert [find(n) for n in (1, 2, 1, 3, 1, 2)] == [1, 2, 1, 3, 1, 2]
    assert asked == [1, 2, 3, 2]
