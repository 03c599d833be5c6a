"""The skeleton: a design and its plan become the files of a Python project that runs.

`hecate.generate_division.skeleton.rendering.render` is the whole of it, a pure function of a `Design` and a folder
of templates.  The names in a design are any text, so `names` first finds for each what Python, SQL and the file
system will take; `templates` says which template makes which files; the rest is in the templates themselves, in
``templates/python``.
"""
