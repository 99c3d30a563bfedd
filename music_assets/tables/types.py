"""The few column types that the two engines spell differently.

Here: types and their spelling. The tables that use them are in `schema`, the engines in `engine`
and the modules beside it.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import JSON
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine


class Super(TypeDecorator[Any]):
    """A list or a map: `SUPER` on Redshift, `JSON` on DuckDB."""

    impl = JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "redshift":
            from sqlalchemy_redshift.dialect import SUPER

            return dialect.type_descriptor(SUPER())
        return dialect.type_descriptor(JSON())

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Redshift's driver gives a list or a map as its JSON text."""
        return json.loads(value) if dialect.name == "redshift" and isinstance(value, str) else value
