"""`kontor customer …`: credit by hand, and how far it reaches."""

from datetime import datetime

import click
from sqlalchemy.orm import Session

from app import audit, billing
from app.billing import Wallet
from app.cli.amounts import (
    CURRENCY_OPTION,
    KEY_OPTION,
    MOMENT,
    REASON_OPTION,
    act_key,
    moment,
    money,
)
from app.cli.connection import with_database
from app.cli.customer import RESELLER_OPTION, find_customer
from app.cli.examples import examples
from app.cli.reseller import scope_of
from app.kernel import Money, now, transaction
from app.tenancy import TenantScope


@click.command(
    epilog=examples(
        "kontor customer adjust N-1001 --reseller nordlicht --amount 5 --reason 'Outage in May'",
        "kontor customer adjust N-1001 --reseller nordlicht --amount -2.50 --reason 'Typing error'",
    )
)
@click.argument("number")
@RESELLER_OPTION
@click.option("--amount", required=True, help="What is given; below zero it is taken.")
@CURRENCY_OPTION
@REASON_OPTION
@KEY_OPTION
@with_database
def adjust(
    *, number: str, slug: str, amount: str, currency: str, reason: str, key: str | None
) -> None:
    """Give or take credit in the platform's name."""
    scope, asked = scope_of(slug), money(amount, currency, "--amount")
    with transaction(scope) as session:
        wallet = find_wallet(session, scope, number, currency)
        billing.adjust_wallet(
            session,
            scope,
            wallet_id=wallet.id,
            amount=asked,
            reason=reason,
            key=act_key(key),
            now=now(),
            actor=audit.SYSTEM,
        )
        say_credit(session, scope, wallet)


@click.command(
    epilog=examples(
        "kontor customer credit N-1001 --reseller nordlicht --amount 10 --reason 'Welcome'",
        "kontor customer credit N-1001 --reseller nordlicht --amount 10 --reason 'Welcome' \\",
        "  --bonus --expires 2027-01-01",
    )
)
@click.argument("number")
@RESELLER_OPTION
@click.option("--amount", required=True, help="What is given.")
@CURRENCY_OPTION
@REASON_OPTION
@click.option("--bonus", "as_bonus", is_flag=True, help="Give it as bonus credit.")
@click.option("--expires", type=MOMENT, help="When bonus credit expires (Berlin time).")
@KEY_OPTION
@with_database
def credit(
    *,
    number: str,
    slug: str,
    amount: str,
    currency: str,
    reason: str,
    as_bonus: bool,
    expires: datetime | None,
    key: str | None,
) -> None:
    """Give a customer credit from the reseller's own balance."""
    scope, asked = scope_of(slug), money(amount, currency, "--amount")
    with transaction(scope) as session:
        wallet = find_wallet(session, scope, number, currency)
        billing.give_credit(
            session,
            scope,
            wallet_id=wallet.id,
            amount=asked,
            reason=reason,
            key=act_key(key),
            now=now(),
            actor=audit.SYSTEM,
            as_bonus=as_bonus,
            expires_at=None if expires is None else moment(expires),
        )
        say_credit(session, scope, wallet)


@click.command(
    epilog=examples(
        "kontor customer grace N-1001 --reseller nordlicht --limit 5",
        "kontor customer grace --reseller nordlicht --limit 2",
    )
)
@click.argument("number", required=False)
@RESELLER_OPTION
@click.option("--limit", required=True, help="How much may be owed.")
@CURRENCY_OPTION
@with_database
def grace(number: str | None, slug: str, limit: str, currency: str) -> None:
    """Let delivered usage be owed up to a limit; without a NUMBER, for new customers' wallets."""
    scope, allowed = scope_of(slug), money(limit, currency, "--limit")
    with transaction(scope) as session:
        wallet = find_wallet(session, scope, number, currency) if number else None
        wallet_id = wallet.id if wallet else None
        billing.set_grace(session, scope, wallet_id=wallet_id, limit=allowed)
    click.echo(f"Up to {in_words(allowed)} may be owed.")


@click.command(
    epilog=examples(
        "kontor customer cap N-1001 --reseller nordlicht --limit 50",
        "kontor customer cap N-1001 --reseller nordlicht --limit 20 --subject line:+493012345",
        "kontor customer cap N-1001 --reseller nordlicht --remove",
    )
)
@click.argument("number")
@RESELLER_OPTION
@click.option("--limit", help="What may be spent in a month; without it the caps are listed.")
@click.option("--subject", help="The line, agent or calendar; else the whole wallet.")
@click.option("--remove", is_flag=True, help="Remove the cap.")
@CURRENCY_OPTION
@with_database
def cap(
    *, number: str, slug: str, limit: str | None, subject: str | None, remove: bool, currency: str
) -> None:
    """Cap what a customer, or one subject of it, spends in a month."""
    if remove and limit is not None:
        raise click.UsageError("--limit and --remove exclude each other.")
    scope = scope_of(slug)
    with transaction(scope) as session:
        wallet = find_wallet(session, scope, number, currency)
        if remove or limit is not None:
            billing.set_cap(
                session,
                scope,
                wallet_id=wallet.id,
                subject=subject,
                limit=None if limit is None else money(limit, currency, "--limit"),
                now=now(),
            )
        for line in billing.list_caps(session, scope, wallet=wallet, now=now()):
            whose = line.subject or "all"
            click.echo(f"{whose}: {in_words(line.spent)} of {in_words(line.limit)} this month")


@click.command(epilog=examples("kontor customer postpaid N-1001 --reseller nordlicht --limit 500"))
@click.argument("number")
@RESELLER_OPTION
@click.option("--limit", required=True, help="How far the customer may go below zero.")
@CURRENCY_OPTION
@with_database
def postpaid(number: str, slug: str, limit: str, currency: str) -> None:
    """Let a customer pay by invoice, up to a credit limit."""
    scope, allowed = scope_of(slug), money(limit, currency, "--limit")
    with transaction(scope) as session:
        billing.set_postpaid(
            session,
            scope,
            customer_id=find_customer(session, scope, number=number).id,
            credit_limit=allowed,
            now=now(),
        )
    click.echo(f"{number} pays by invoice, up to {in_words(allowed)}.")


@click.command(epilog=examples("kontor customer prepaid N-1001 --reseller nordlicht"))
@click.argument("number")
@RESELLER_OPTION
@CURRENCY_OPTION
@with_database
def prepaid(number: str, slug: str, currency: str) -> None:
    """Let a customer pay ahead again."""
    scope = scope_of(slug)
    with transaction(scope) as session:
        billing.set_prepaid(
            session,
            scope,
            customer_id=find_customer(session, scope, number=number).id,
            currency=currency,
            now=now(),
        )
    click.echo(f"{number} pays ahead.")


def find_wallet(session: Session, scope: TenantScope, number: str, currency: str) -> Wallet:
    """Return the wallet of the customer with a number; refuses where there is none."""
    found = find_customer(session, scope, number=number)
    return billing.get_wallet(session, scope, customer_id=found.id, currency=currency)


def say_credit(session: Session, scope: TenantScope, wallet: Wallet) -> None:
    """Print what a wallet holds now."""
    held = billing.wallet_credit(session, scope, wallet=wallet, now=now())
    parts = [f"Paid credit {in_words(held.paid)}", f"bonus {in_words(held.bonus)}"]
    if held.owed:
        parts.append(f"owed {in_words(held.owed)}")
    click.echo(", ".join(parts))


def in_words(amount: Money) -> str:
    """Return an amount with its currency."""
    return f"{amount.amount} {amount.currency}"
