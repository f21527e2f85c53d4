"""The table of the database backend, and one conditional statement per verb."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from state.base import ABSENT, ANY

metadata = sa.MetaData()
values = sa.Table(
    "state_values",
    metadata,
    sa.Column("owner", sa.Text, primary_key=True),
    sa.Column("scope", sa.Text, primary_key=True),
    sa.Column("store", sa.Text, primary_key=True),
    sa.Column("tag", sa.Text, nullable=False),
    sa.Column("replaced", sa.Text),
    sa.Column("codec", sa.Text, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("ttl_ms", sa.BigInteger, nullable=False),
    sa.Column("expires_ms", sa.BigInteger, nullable=False),
    sa.Column("in_file", sa.Boolean, nullable=False),
    sa.Column("body", sa.LargeBinary),
    sa.Index("state_values_expiry", "expires_ms"),
)
v = values.c
HEAD = (v.owner, v.scope, v.store, v.tag, v.codec, v.size, v.ttl_ms, v.expires_ms)
HEAD_SQL = "SELECT tag, codec, size, ttl_ms, expires_ms FROM state_values WHERE owner = ? AND scope = ? AND store = ?"
THIS = sa.and_(
    v.owner == sa.bindparam("k_owner"), v.scope == sa.bindparam("k_scope"), v.store == sa.bindparam("k_store")
)


class Statements:
    """Every statement, built once; `now` is an expression in milliseconds."""

    def __init__(self, now: Any, insert: Any) -> None:
        self._now = now
        self._insert = insert
        live = v.expires_ms > now
        expires = now + sa.bindparam("n_ttl_ms", type_=sa.BigInteger)
        clock = now.label("now")
        self.head = sa.select(*HEAD, clock).where(THIS)
        self.fetch = sa.select(*HEAD, v.in_file, v.body, clock).where(THIS)
        self.list = sa.select(*HEAD, clock).where(v.owner == sa.bindparam("k_owner"), live).order_by(v.scope, v.store)
        renewed = {"ttl_ms": sa.bindparam("n_ttl_ms"), "expires_ms": expires}
        touched = sa.update(values).where(THIS, v.tag == sa.bindparam("of_tag"), live)
        self.touch = touched.values(renewed).returning(v.tag)
        mine = sa.or_(v.tag == sa.bindparam("of_tag"), v.replaced == sa.bindparam("of_tag"))
        self.mine = sa.select(sa.null().label("replaced")).where(THIS, mine)
        self.purge = sa.delete(values).where(v.owner == sa.bindparam("k_owner")).returning(*HEAD, v.in_file, clock)
        gone = sa.update(values).where(sa.not_(live), sa.or_(v.in_file, v.body.is_not(None)))
        self.free = gone.values(body=None, in_file=False, replaced=v.tag).returning(
            v.tag, sa.true().label("was_in_file")
        )
        self.bury = sa.delete(values).where(v.expires_ms + sa.bindparam("grace") <= now).returning(v.tag)
        self.tags = sa.select(v.tag).where(v.in_file)
        self.stats = sa.select(sa.func.count().label("keys"), sa.func.sum(v.size).label("bytes")).where(live)
        self._live, self._expires = live, expires
        self._puts: dict[str, Any] = {}

    def put(self, expected: str) -> Any:
        kind = expected if expected in (ANY, ABSENT) else "tag"
        if kind not in self._puts:
            self._puts[kind] = self._update() if kind == "tag" else self._upsert(kind == ABSENT)
        return self._puts[kind]

    def delete(self, expected: str) -> Any:
        matching = {
            ANY: sa.true(),
            ABSENT: sa.not_(self._live),
        }.get(expected, sa.and_(self._live, v.tag == sa.bindparam("expected")))
        return sa.delete(values).where(THIS, matching).returning(*HEAD, v.in_file, self._now.label("now"))

    def _new(self) -> dict[str, Any]:
        names = ("tag", "codec", "size", "ttl_ms", "in_file", "body")
        return {name: sa.bindparam(f"n_{name}", type_=v[name].type) for name in names} | {"expires_ms": self._expires}

    def _upsert(self, only_if_absent: bool) -> Any:
        key: dict[str, Any] = {name: sa.bindparam(f"k_{name}") for name in ("owner", "scope", "store")}
        statement = self._insert(values).values(**key, **self._new(), replaced=sa.null())
        return statement.on_conflict_do_update(
            index_elements=[v.owner, v.scope, v.store],
            set_={name: statement.excluded[name] for name in self._new()} | {"replaced": v.tag},
            where=sa.not_(self._live) if only_if_absent else None,
        ).returning(v.replaced)

    def _update(self) -> Any:
        unchanged = v.tag == sa.bindparam("expected")
        statement = sa.update(values).where(THIS, unchanged, self._live)
        return statement.values({**self._new(), "replaced": v.tag}).returning(v.replaced)
