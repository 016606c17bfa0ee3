"""`velatune token`"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tuner.commands.options import ABOVE_ZERO, state_option, store_option

if TYPE_CHECKING:
    from results.service.tokens import TokenBook


@click.group()
def token() -> None:
    """Tokens of the service: who may read, submit, administer."""


@token.command()
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice(["read", "submit", "admin"]),
    default="read",
    help="each may do what those before it may",
)
@click.option("--days", type=ABOVE_ZERO, metavar="N", help="until it expires  [default: never]")
@store_option
@state_option
def create(name: str, role: str, days: float | None, store_url: str | None, state: Path | None) -> None:
    """Make a token and print it; NAME says whose it is. It cannot be shown again: only its hash is kept."""
    from results.service.tokens import Role

    with _book(store_url, state) as book:
        click.echo(book.create(name, Role[role], days))


@token.command("list")
@store_option
@state_option
def list_(store_url: str | None, state: Path | None) -> None:
    """List all tokens, without what is secret of them."""
    from results.records.record import utc_now

    with _book(store_url, state) as book:
        for one in book.all():
            status = "in force" if one.holds(utc_now()) else "revoked" if one.revoked else "expired"
            until = f", until {one.expires[:10]}" if one.expires else ""
            click.echo(f"{one.id}  {one.role.name:6}  {one.created[:10]}  {status}{until}  {one.name}")


@token.command()
@click.argument("id")
@store_option
@state_option
def revoke(id: str, store_url: str | None, state: Path | None) -> None:
    """Take back the token with this ID, from the next request on."""
    with _book(store_url, state) as book:
        book.revoke(id)


@contextmanager
def _book(store_url: str | None, state: Path | None) -> Iterator[TokenBook]:
    from results.service.state import State
    from results.service.tokens import TokenBook
    from results.store.database.connect import place
    from results.store.database.connect import store_url as parsed
    from tuner.paths import service_folder

    kept = State(state or service_folder(place(parsed(store_url))))
    try:
        yield TokenBook(kept)
    finally:
        kept.close()
