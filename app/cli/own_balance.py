"""`kontor reseller …`: a reseller's own balance."""

import click

from app import billing
from app.cli.amounts import CURRENCY_OPTION, KEY_OPTION, act_key, money
from app.cli.connection import with_database
from app.cli.credit import in_words
from app.cli.examples import examples
from app.cli.reseller import scope_of
from app.kernel import now, transaction


@click.command(epilog=examples("kontor reseller fund-from-commission nordlicht --amount 25"))
@click.argument("slug")
@click.option("--amount", required=True, help="How much commission becomes own balance.")
@CURRENCY_OPTION
@KEY_OPTION
@with_database
def fund_from_commission(slug: str, amount: str, currency: str, key: str | None) -> None:
    """Move commission to the reseller's own balance, to give credit from."""
    scope, asked = scope_of(slug), money(amount, currency, "--amount")
    with transaction(scope) as session:
        own = billing.fund_by_commission(session, scope, amount=asked, key=act_key(key), now=now())
    _say(own)


@click.command(epilog=examples("kontor reseller balance nordlicht"))
@click.argument("slug")
@CURRENCY_OPTION
@with_database
def balance(slug: str, currency: str) -> None:
    """Say what the reseller's own balance holds, and what commission could fund it."""
    scope = scope_of(slug)
    with transaction(scope) as session:
        own = billing.own_balance(session, scope, currency=currency)
    _say(own)


def _say(own: billing.OwnBalance) -> None:
    click.echo(f"Own balance {in_words(own.balance)}, commission {in_words(own.commission)}")
