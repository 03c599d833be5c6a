"""Rendering: a design and templates in, the text of every file out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from hecate.dossiers.errors import Refused
from hecate.generate_division.skeleton import wording
from hecate.generate_division.skeleton.design import Design, GeneratedFile
from hecate.generate_division.skeleton.naming import name_project
from hecate.generate_division.skeleton.template_folder import Template, TemplateFolder, paths_of

# What a template's own expressions can come to: templates are a user's, and so are their mistakes.
_MISTAKES = (
    jinja2.TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
)


class TemplateWrong(Refused):
    """A template cannot be rendered; the message names it and the line."""


def render(design: Design, folder: TemplateFolder) -> tuple[GeneratedFile, ...]:
    """Return every file of the project: first what all desks need, then the desks' own in the order of the plan.

    The same design and templates give the same files.

    Raises:
        TemplateWrong: A template has a mistake, or two make the same file.
    """
    project = name_project(design, _kept_apart(design, folder))
    templates = {template.path: template for template in (*folder.beneath, *folder.templates)}
    environment = _environment(folder.name, templates)
    made: dict[str, tuple[str, GeneratedFile]] = {}
    for template in folder.templates:
        if _is_for_inclusion(template):
            continue
        for path, around in paths_of(template, project):
            if path in made:
                raise TemplateWrong(f"templates {made[path][0]!r} and {template.path!r} both make {path!r}")
            text = _render(environment, template.path, {"project": project, **around})
            made[path] = (template.path, GeneratedFile(path, text, around["desk"].id if "desk" in around else ""))
    places = {"": -1, **{desk_id: place for place, desk_id in enumerate(_in_order(design))}}
    return tuple(sorted((file for _, file in made.values()), key=lambda file: (places[file.desk_id], file.path)))


def _kept_apart(design: Design, folder: TemplateFolder) -> set[str]:
    """Return the names of the events whose own file is among what was written before."""
    names = [event.name for event in design.events]
    project = name_project(design, frozenset(names))
    title_of = {event.module: event.title for event in project.events}
    return {
        title_of[around["event"].module]
        for template in folder.templates
        for path, around in paths_of(template, project)
        if "event" in around and path in design.written
    }


def _in_order(design: Design) -> tuple[str, ...]:
    known = {desk.id: desk for desk in design.desks}
    return tuple(dict.fromkeys((*(desk_id for desk_id in design.order if desk_id in known), *known)))


def _is_for_inclusion(template: Template) -> bool:
    """Tell whether other templates include it, as its name says: ``_fields.jinja``."""
    name = template.path.rpartition("/")[2]
    return name.startswith("_") and not name.startswith("__")


def _environment(name: str, templates: Mapping[str, Template]) -> jinja2.Environment:
    def load(path: str) -> tuple[str, str, None] | None:
        template = templates.get(path)
        # The second is what tracebacks call it.
        return None if template is None else (template.text, _called(path), None)

    # Sandboxed: a template folder may have come from anywhere, and Jinja's expressions reach Python's objects.
    environment = ImmutableSandboxedEnvironment(
        loader=jinja2.FunctionLoader(load),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # what comes out is code, and each place in it has its filter
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        cache_size=-1,
    )
    environment.filters |= {
        "plain": wording.plain,
        "prose": wording.prose,
        "docstring": wording.docstring,
        "markdown": wording.markdown,
        "quoted": wording.quoted,
        "json_of": wording.json_of,
    }
    environment.globals["template_name"] = name
    return environment


def _render(environment: jinja2.Environment, path: str, around: Mapping[str, Any]) -> str:
    try:
        return environment.get_template(path).render(around)
    except _MISTAKES as exc:
        where = _place(exc) or f"template {path!r}"
        raise TemplateWrong(f"{where} cannot be rendered: {str(exc) or type(exc).__name__}") from exc


def _place(exc: BaseException) -> str:
    """Return the template and the line in it where *exc* arose, if that can be told."""
    if isinstance(exc, jinja2.TemplateSyntaxError) and exc.name:
        return f"template {exc.name!r}, line {exc.lineno},"
    place, trace = "", exc.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file.startswith(_CALLED):
            place = f"template {file.removeprefix(_CALLED)!r}, line {trace.tb_lineno},"
        trace = trace.tb_next
    return place


_CALLED = "template:"


def _called(path: str) -> str:
    return f"{_CALLED}{path}"
