"""Commission at the command line: agreements with steps, bonuses, month ends."""

from datetime import UTC, date, datetime
from decimal import Decimal

import click

from app import commissions, tenancy
from app.cli.connection import with_database
from app.cli.examples import examples
from app.cli.offer import decimal
from app.commissions import Basis, BonusKind, BonusTerms, Step
from app.kernel import Money, now, transaction
from app.kernel.clock import BUSINESS_ZONE
from app.kernel.money import EXPONENTS
from app.tenancy import PLATFORM_ID, PlatformScope

_PLATFORM = PlatformScope()


class Day(click.ParamType[datetime]):
    """A day such as 2026-07-01: its first instant in Berlin."""

    name = "date"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Return the instant; refuse what is no date."""
        if isinstance(value, datetime):
            return value
        try:
            day = date.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value} is no date; write it as 2026-07-01", param, ctx)
        return datetime(day.year, day.month, day.day, tzinfo=BUSINESS_ZONE).astimezone(UTC)


since_option = click.option(
    "--from", "since", type=Day(), help="First day, in Berlin; now, if left out."
)


@click.command(
    epilog=examples(
        "kontor reseller commission nordlicht --rate 0.25 --step 5000:0.275 --step 20000:0.325",
        "kontor reseller commission nordlicht --rate 0.25 --basis whole --from 2026-07-01",
    )
)
@click.argument("slug")
@click.option("--rate", required=True, help="Share of the net price, such as 0.25.")
@click.option(
    "--step",
    "steps",
    multiple=True,
    metavar="VOLUME:RATE",
    help="Rate above a net volume of the month, in whole money; may stand more than once.",
)
@click.option(
    "--basis",
    type=click.Choice([each.value for each in Basis]),
    default=Basis.MARGINAL.value,
    show_default=True,
    help="marginal: a step pays for the volume above it; whole: for all of the month.",
)
@since_option
@with_database
def commission(
    *, slug: str, rate: str, steps: tuple[str, ...], basis: str, since: datetime | None
) -> None:
    """Agree a reseller's share of the net price, rising with the volume of its month."""
    share, rising = decimal(rate, "--rate"), [_step(each) for each in steps]
    with transaction(_PLATFORM) as session:
        tenant = tenancy.get_reseller(session, _PLATFORM, slug=slug)
        commissions.agree_commission(
            session,
            _PLATFORM,
            reseller_id=tenant.id,
            rate=share,
            valid_from=since or now(),
            steps=rising,
            basis=Basis(basis),
        )
    click.echo(f"{tenant.name} gets {share} with {len(rising)} steps ({basis}).")


@click.command(
    epilog=examples(
        "kontor reseller bonus nordlicht --kind new_customer --amount 5",
        "kontor reseller bonus --everybody --kind retention --amount 10 --months 3",
        "kontor reseller bonus --everybody --kind high_usage --amount 2 --threshold 250",
    )
)
@click.argument("slug", required=False)
@click.option("--everybody", is_flag=True, help="For every reseller without terms of its own.")
@click.option("--kind", required=True, type=click.Choice([each.value for each in BonusKind]))
@click.option("--amount", required=True, help="In whole money, such as 5; 0 takes it away.")
@click.option("--currency", default="EUR", show_default=True)
@click.option("--months", type=int, help="For retention: how long a customer must stay.")
@click.option("--threshold", help="For high usage: gross use of a month, in whole money.")
@since_option
@with_database
def bonus(
    *,
    slug: str | None,
    everybody: bool,
    kind: str,
    amount: str,
    currency: str,
    months: int | None,
    threshold: str | None,
    since: datetime | None,
) -> None:
    """Agree a bonus for each customer that a reseller wins, keeps, or that uses much."""
    if everybody is (slug is not None):
        raise click.UsageError("Name a reseller, or say --everybody.")
    limit = None if threshold is None else _money(threshold, currency, "--threshold")
    terms = BonusTerms(_money(amount, currency, "--amount"), months, limit)
    with transaction(_PLATFORM) as session:
        owner = tenancy.get_reseller(session, _PLATFORM, slug=slug).id if slug else PLATFORM_ID
        commissions.set_bonus(
            session,
            _PLATFORM,
            kind=BonusKind(kind),
            terms=terms,
            valid_from=since or now(),
            reseller_id=owner,
        )
    click.echo(f"{kind}: {terms.amount.amount} {currency} for {slug or 'everybody'}.")


def _step(text: str) -> Step:
    volume, colon, rate = text.partition(":")
    if not colon:
        raise click.BadParameter("write it as 5000:0.275", param_hint="--step")
    # Thresholds are minor units of the charge's currency; every currency of ours has cents.
    return Step(_minor(volume, "EUR", "--step"), decimal(rate, "--step"))


def _money(text: str, currency: str, option: str) -> Money:
    Money(0, currency)
    return Money(_minor(text, currency, option), currency)


def _minor(text: str, currency: str, option: str) -> int:
    exact: Decimal = decimal(text, option).scaleb(EXPONENTS[currency])
    if not exact.is_finite() or exact != exact.to_integral_value():
        raise click.BadParameter(f"{text} has more places than the currency", param_hint=option)
    return int(exact)
