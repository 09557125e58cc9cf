"""`kontor customer …`: contracts over recurring fees, and charges that are written off."""

from datetime import datetime
from uuid import UUID

import click

from app import audit, billing
from app.cli.amounts import CURRENCY_OPTION, KEY_OPTION, MOMENT, REASON_OPTION, act_key, moment
from app.cli.connection import with_database
from app.cli.credit import find_wallet
from app.cli.customer import RESELLER_OPTION
from app.cli.examples import examples
from app.cli.reseller import scope_of
from app.kernel import now, transaction


@click.command(
    epilog=examples(
        "kontor customer contract-open N-1001 --reseller nordlicht --fee number",
        "kontor customer contract-open N-1001 --reseller nordlicht --fee number --quantity 3 \\",
        "  --from 2026-08-01",
    )
)
@click.argument("number")
@RESELLER_OPTION
@click.option("--fee", required=True, help="Slug of the offer's fee.")
@click.option("--quantity", default=1, show_default=True, help="How many of it.")
@click.option("--from", "starts", type=MOMENT, help="When it begins (Berlin time); else now.")
@CURRENCY_OPTION
@KEY_OPTION
@with_database
def contract_open(
    *,
    number: str,
    slug: str,
    fee: str,
    quantity: int,
    starts: datetime | None,
    currency: str,
    key: str | None,
) -> None:
    """Agree a recurring fee; each period is charged ahead."""
    scope = scope_of(slug)
    with transaction(scope) as session:
        contract = billing.open_contract(
            session,
            scope,
            wallet_id=find_wallet(session, scope, number, currency).id,
            fee=fee,
            quantity=quantity,
            starts_at=now() if starts is None else moment(starts),
            key=act_key(key),
        )
    click.echo(str(contract.id))


@click.command(
    epilog=examples(
        "kontor customer contract-end 01980c6e-7d2a-7cc3-98c4-dc0c0c07398f --reseller nordlicht"
    )
)
@click.argument("contract", type=click.UUID)
@RESELLER_OPTION
@click.option("--at", type=MOMENT, help="From when on no period begins (Berlin time); else now.")
@with_database
def contract_end(contract: UUID, slug: str, at: datetime | None) -> None:
    """End a contract; periods that have begun are charged whole."""
    scope = scope_of(slug)
    with transaction(scope) as session:
        billing.end_contract(
            session, scope, contract_id=contract, at=now() if at is None else moment(at)
        )
    click.echo("No further period begins.")


@click.command(
    epilog=examples(
        "kontor customer reverse 01980c6e-7d2a-7cc3-98c4-dc0c0c07398f --reseller nordlicht \\",
        "  --reason 'Call was never connected'",
    )
)
@click.argument("charge", type=click.UUID)
@RESELLER_OPTION
@REASON_OPTION
@with_database
def reverse(charge: UUID, slug: str, reason: str) -> None:
    """Write off a charge or a fee: everybody gives back what it gave them."""
    scope = scope_of(slug)
    with transaction(scope) as session:
        reversal = billing.reverse_charge(
            session, scope, entry_id=charge, reason=reason, now=now(), actor=audit.SYSTEM
        )
    click.echo(f"Written off by {reversal.reversal_id}.")
