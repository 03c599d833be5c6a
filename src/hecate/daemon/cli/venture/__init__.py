"""``hecate venture``: set up ventures, and discover what they consist of."""

from __future__ import annotations

from hecate.daemon.cli.command_folder import CommandFolder

CLI = CommandFolder(
    "venture",
    package=__name__,
    examples=(
        'hecate venture setup my-saas --brief "A multi-tenant SaaS platform"',
        "hecate venture start-discovery my-saas",
        'hecate venture discover my-saas auth --description "Who may do what"',
        "hecate venture complete-discovery my-saas",
    ),
    help="Set up ventures, and discover their divisions.",
)
