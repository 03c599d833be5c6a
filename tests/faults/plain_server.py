"""A server of the standard library alone, on the socket that is its argument: what happens without our care."""

from __future__ import annotations

import asyncio
import sys


async def serve(path: str) -> None:
    """Keep every connection open and say nothing."""
    kept: list[asyncio.StreamWriter] = []
    server = await asyncio.start_unix_server(lambda _, writer: kept.append(writer), path, backlog=512)
    sys.stderr.write('"ready"\n')
    sys.stderr.flush()
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
