"""The table of state values: heads, and the bodies that are small."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "state_values",
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
    )
    op.create_index("state_values_expiry", "state_values", ["expires_ms"])


def downgrade() -> None:
    op.drop_table("state_values")
