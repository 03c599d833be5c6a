"""``hecate chat``: talk to a model."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from hecate.client import Client, ModelNotFound, model_questions
from hecate.daemon.cli.command_folder import command
from hecate.daemon.cli.conversation import Conversation
from hecate.daemon.cli.models import why_none
from hecate.daemon.cli.session import Session

REMEDY = "start ollama, or add a provider: `hecate providers add NAME`"


@command(
    "chat",
    examples=(
        "hecate chat",
        'hecate chat "Why is the sky blue?"',
        'hecate chat llama3.2:latest "Why is the sky blue?"',
        'git diff | hecate chat "review this"',
        "hecate chat --model anthropic/claude-sonnet-4-5 --system 'Answer in French.' < letter.txt",
    ),
)
@click.argument("words", metavar="[MODEL] [PROMPT]", nargs=-1)
@click.option("--model", "-m", envvar="HECATE_MODEL", show_envvar=True, help="The model, if not the first argument.")
@click.option("--system", help="What the model is told before everything else.")
@click.option("--temperature", type=float, help="How freely it chooses its words, from 0.")
@click.option("--max-tokens", type=click.IntRange(1), help="The most that it may answer.")
@click.option("--plain", is_flag=True, help="Print answers as they are, even on a terminal.")
@click.pass_obj
def chat(
    session: Session,
    *,
    words: tuple[str, ...],
    model: str | None,
    system: str | None,
    temperature: float | None,
    max_tokens: int | None,
    plain: bool,
) -> None:
    """Ask a model, or talk with it.

    Its answer is printed as it comes, on a terminal as markdown.  What is piped in is added to the prompt.  Without a
    prompt, a conversation begins: Ctrl-C cancels an answer, Ctrl-D ends it, /help shows what else there is.

    One argument alone is a model if there is one of that name, and else the prompt.  Without a model the daemon's
    default is asked: what llm.default_model says, or the first that is there.
    """
    given = {"temperature": temperature, "max_tokens": max_tokens}
    options = {name: value for name, value in given.items() if value is not None}
    with session.client() as client:
        model, prompt = model_and_prompt(client, words, model)
        prompt = _with_standard_input(prompt)
        conversation = Conversation(client, session.output, model, system=system or "", options=options, plain=plain)
        if prompt is None:
            if session.as_json:
                raise click.UsageError("--json wants a prompt")
            # Only a conversation needs an editor of lines.
            from hecate.daemon.cli.converse import converse  # noqa: PLC0415

            session.output.note(f"{model}: /help shows what there is besides talking, Ctrl-D ends the conversation")
            converse(conversation)
        elif session.as_json:
            messages = [*conversation.messages, {"role": "user", "content": prompt}]
            session.show(client, model_questions.chat(model, messages, options, stream=False))
        else:
            conversation.ask(prompt)


def model_and_prompt(client: Client, words: Sequence[str], model: str | None) -> tuple[str, str | None]:
    """Return the model and the prompt that *words* mean, where *model* may have been named already.

    Raises:
        click.UsageError: There are too many words.
        ModelNotFound: No model was named, and there is none.
    """
    if model is not None:
        if len(words) > 1:
            raise click.UsageError("the model is named by --model or HECATE_MODEL: put the prompt in quotes")
        return model, words[0] if words else None
    if len(words) > 2:
        raise click.UsageError("there are more arguments than [MODEL] [PROMPT]: put the prompt in quotes")
    if len(words) == 2:
        return words[0], words[1]
    there = client.fetch(model_questions.models()).value
    names = {name for model in there.models for name in (model.name, model.id)}
    if words and words[0] in names:
        return words[0], None
    if not there.default:
        raise ModelNotFound(f"there is no model to chat with; {REMEDY}\n{why_none(client)}")
    return there.default, words[0] if words else None


def _with_standard_input(prompt: str | None) -> str | None:
    """Return *prompt* with what is piped in; None if there is neither, and a person to ask.

    Raises:
        click.UsageError: There is neither, and no person.
    """
    if sys.stdin.isatty():
        return prompt
    piped = sys.stdin.buffer.read().decode(errors="replace").strip()
    if prompt is None and not piped:
        raise click.UsageError("there is no prompt: give one as an argument or on standard input")
    return "\n\n".join(part for part in (prompt, piped) if part)


CLI = chat
