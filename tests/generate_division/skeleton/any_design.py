"""Designs of any kind: as people write them, and as nobody should."""

from __future__ import annotations

from hypothesis import strategies as st

from hecate.generate_division.skeleton.design import Design, DesignedAggregate, DesignedEvent, DeskType, PlannedDesk

NASTY = (
    # keywords, builtins, the standard library
    "class", "None", "match", "_", "print", "str", "type", "id", "self", "l", "O", "list", "Exception", "json",
    "email", "import", "async", "True", "lambda", "int", "object", "name", "value", "con",
    # what the generated code uses itself
    "event", "command", "Event", "Command", "desk", "decide", "stream", "stream_of", "AGGREGATE", "status", "Status",
    "query", "DESK", "application", "messages", "tests", "test", "conftest", "__init__", "__main__", "stored_as",
    "sets", "limit", "after", "stream_part", "dataclass", "TestCase", "test_connection", "aggregate", "version",
    "position", "eventsourcing",
    # what collides, once it is fit for use
    "register user", "register_user", "RegisterUser", "REGISTER-USER", "register_user_2", "user registered",
    "user_registered", "user_registered_v1", "user_registered_v2", "register", "registered", "user", "users",
    # what is not ASCII, not seen, not printable, or means something somewhere
    "用户", "ユーザー登録", "é", "Ünïcödé nàme", "ß", "🙂", "\u200b", "\u202egnp.exe", "\ufeff", "a\u0301", "x\u00a0y",
    "\u3000", 'say "hi"', "it's", '"""', "'''", "back\\slash", "{}", "{{ x }}", "{% raw %}", "${{ x }}", "%s", "#",
    "<b>", "a/../b", "..", ".git", "'; DROP TABLE events; --", "*", "|", "`", "-", "0", "2fa", "1st", "-1", "v1",
    "_v1", "x" * 200, "long name " * 19, "a" * 31 + " b", "a" * 32 + "c", "Aa" * 60, "a_1", "a1", "a 1",
)  # fmt: skip

KINDS: tuple[tuple[DeskType, str], ...] = (("command", "fill"), ("projection", "count"), ("query", "show"))

_nasty = st.sampled_from(NASTY)
# What the daemon takes: one line of 1 to 200 characters, one of them visible.
_any = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60).filter(str.strip)
_words = st.lists(
    st.sampled_from(["register", "open", "close", "pay", "user", "account", "order", "item", "list", "show"]),
    min_size=1,
    max_size=3,
).map("_".join)
names = _words | _nasty | _any
texts = st.just("") | names | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=300)
fields = st.one_of(
    names,
    st.sampled_from(
        ["amount: int", "rate:float", "ok : bool", "at: datetime", "note: text", ": int", "a:", "class: int"]
    ),
)
patterns = st.one_of(
    st.just(""),
    st.sampled_from(
        [
            "user-{user_id}",
            "{tenant}-{user}",
            "{a}{b}",
            "{}",
            "{limit}",
            "x",
            "{a}{a}{a}",
            "{{a}}",
            "{class}/{id}",
            '"{x}"\\n',
            "用户-{用户}",
            "{a}_{b}_{c}_{d}_{e}_{f}",
            "s" * 300 + "{" + "i" * 300 + "}",
        ]
    ),
    texts,
)


@st.composite
def designs(draw: st.DrawFn, most: int = 4) -> Design:
    """Draw a design that the daemon would take, with at most *most* of each kind."""
    aggregates = draw(st.lists(names, max_size=most, unique=True))
    events = draw(st.lists(names, max_size=most, unique=True))
    desks = draw(st.lists(names, max_size=2 * most, unique=True))
    of = st.sampled_from(["", *aggregates])
    planned: list[PlannedDesk] = []
    for number, name in enumerate(desks):
        planned.append(
            PlannedDesk(
                id=f"desk-{number}",
                name=name,
                type=draw(st.sampled_from(["command", "command", "projection", "query"])),
                aggregate=draw(of | names),
                priority=draw(st.sampled_from(["P0", "P2"])),
                description=draw(texts),
                needs=tuple(
                    draw(st.lists(st.sampled_from([desk.id for desk in planned]), max_size=2)) if planned else ()
                ),
            )
        )
    return Design(
        venture=draw(names),
        division=draw(names),
        project="project",
        aggregates=tuple(
            DesignedAggregate(
                name=name,
                stream_pattern=draw(patterns),
                status_flags=tuple(draw(st.lists(names, max_size=3))),
                description=draw(texts),
            )
            for name in aggregates
        ),
        events=tuple(
            DesignedEvent(
                name=name,
                aggregate=draw(of),
                payload_fields=tuple(draw(st.lists(fields, max_size=5))),
                description=draw(texts),
            )
            for name in events
        ),
        desks=tuple(planned),
        order=tuple(draw(st.permutations([desk.id for desk in planned]))),
    )


def large(count: int) -> Design:
    """Return a design of *count* aggregates, with an event and three desks each."""
    numbers = range(count)
    return Design(
        venture="Large",
        division="Warehouse",
        project="project",
        aggregates=tuple(
            DesignedAggregate(name=f"shelf {number}", status_flags=tuple(f"flag {bit}" for bit in range(70)))
            for number in numbers
        ),
        events=tuple(
            DesignedEvent(
                name=f"shelf {number} filled", aggregate=f"shelf {number}", payload_fields=("what", "count: int")
            )
            for number in numbers
        ),
        desks=tuple(
            PlannedDesk(id=f"{kind}-{number}", name=f"{verb} shelf {number}", type=kind, aggregate=f"shelf {number}")
            for number in numbers
            for kind, verb in KINDS
        ),
    )
