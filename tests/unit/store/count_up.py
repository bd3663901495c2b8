"""A process that writes into a database over and over, and tells each time once it is committed."""

from __future__ import annotations

import sys

import anyio
from sqlalchemy import Connection, text

from gateway.store import open_database


async def count_up(path: str, most: int) -> None:
    def put(connection: Connection) -> None:
        connection.execute(text("create table if not exists numbers (number integer)"))
        connection.execute(text("insert into numbers values (1)"))

    async with open_database(f"sqlite:///{path}") as database:
        for number in range(most):
            await database.write(put)
            print(number, flush=True)


if __name__ == "__main__":
    anyio.run(count_up, sys.argv[1], int(sys.argv[2]))
