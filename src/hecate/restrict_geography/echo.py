"""Asks a service on the internet which address it sees.  Nothing is asked unless the operator names one."""

from __future__ import annotations

from collections.abc import Sequence

import aiohttp

from hecate.restrict_geography.addresses import Address, read_address, tells_a_place

DEADLINE_SECONDS = 5.0
"""For each service, from the look-up of its name to the last byte."""
LONGEST_ANSWER_BYTES = 256


async def ask_what_is_seen(urls: Sequence[str], problems: list[str]) -> Address | None:
    """Return the address that the first of *urls* to answer sees; what goes wrong is added to *problems*.

    A service answers with the address as text, and nothing else.
    """
    if not urls:
        return None
    timeout = aiohttp.ClientTimeout(total=DEADLINE_SECONDS)
    # With the environment's proxies: behind one, there is no other way out.
    async with aiohttp.ClientSession(timeout=timeout, trust_env=True, headers={"User-Agent": "hecate"}) as session:
        for url in urls:
            try:
                return await _seen_by(session, url)
            except TimeoutError:
                problems.append(f"{url} does not answer within {DEADLINE_SECONDS:g} seconds")
            except aiohttp.ClientError as exc:
                problems.append(f"{url} cannot be asked: {exc}")
            except ValueError as exc:
                problems.append(f"{url} does not answer with an address: {exc}")
    return None


async def _seen_by(session: aiohttp.ClientSession, url: str) -> Address:
    # A redirect might lead away from HTTPS.
    async with session.get(url, allow_redirects=False) as response:
        if response.status != 200:
            raise ValueError(f"the status is {response.status}")
        text = b""
        async for piece in response.content.iter_any():
            text += piece
            if len(text) > LONGEST_ANSWER_BYTES:
                raise ValueError(f"it is longer than {LONGEST_ANSWER_BYTES} bytes")
    address = read_address(text.decode("ascii"))
    if not tells_a_place(address):
        raise ValueError(f"{address} is not of the internet")
    return address
