"""XML from strangers, read as a stream: no entities are declared, and nothing outside is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from xml.parsers import expat

from hecate.suites.bounded_file import Unreadable, opened

CHUNK_BYTES = 64 * 1024

Attributes = Mapping[str, str]


def read_xml(
    path: Path,
    *,
    begin: Callable[[str, Attributes], None],
    end: Callable[[str], None] | None = None,
    text: Callable[[str], None] | None = None,
) -> None:
    """Tell what is in the file at *path*, in its order.

    Args:
        path: The file.
        begin: Is told the name of each element that begins, and its attributes.
        end: Is told the name of each that ends.
        text: Is told the text between them, in pieces.

    Raises:
        Unreadable: It cannot be read, is no XML, or declares an entity: with those, a kilobyte can become gigabytes.
    """
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = begin
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.EntityDeclHandler = _refuse
    try:
        with opened(path) as file:
            while chunk := file.read(CHUNK_BYTES):
                parser.Parse(chunk, False)
            parser.Parse(b"", True)
    except expat.ExpatError as exc:
        raise Unreadable(f"{path.name} is no sound XML: {exc}") from exc
    except OSError as exc:
        raise Unreadable(f"cannot read {path.name}: {exc.strerror}") from exc


def _refuse(*_declaration: object) -> None:
    raise Unreadable("it declares entities, which no report needs")
