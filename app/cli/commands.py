from copy import copy
from pathlib import Path

import click
import psycopg
from sqlalchemy.exc import OperationalError

from app.cli.admin import admin
from app.cli.admin_team import invite as admin_invite
from app.cli.admin_team import list_all as admin_list
from app.cli.admin_team import remove as admin_remove
from app.cli.applications import applications, approve, refuse, resume, suspend
from app.cli.billing import billing
from app.cli.brand import brand
from app.cli.commission import bonus, commission
from app.cli.configuration import DEMO_DATA, ENVIRONMENT_FILE
from app.cli.connection import Invocation, command_with_database
from app.cli.contracts import contract_end, contract_open, reverse
from app.cli.credit import adjust, cap, credit, grace, postpaid, prepaid
from app.cli.customer import customer
from app.cli.customer_users import user_add, user_invite, user_list, user_remove
from app.cli.db import db
from app.cli.demo import demo
from app.cli.errors import CommandRefusedError, said_to_operators
from app.cli.examples import examples
from app.cli.health import health
from app.cli.ledger import ledger
from app.cli.mail import mail
from app.cli.meter import meter
from app.cli.offer import offer
from app.cli.offer_prices import bonus_set, fee_set, price_set
from app.cli.offer_show import show
from app.cli.own_balance import balance, fund_from_commission
from app.cli.reseller import reseller
from app.cli.reseller_doors import api_key_list, api_key_revoke, registration
from app.cli.retail import price_set as retail_price_set
from app.cli.schema_changes import RoleNameError
from app.cli.second_factor import of_admin, of_customer_user, of_staff
from app.cli.serving import web, worker
from app.cli.staff import staff
from app.cli.subjects import subject_add, subject_find, subject_list, subject_release
from app.cli.themes import themes
from app.cli.up import up
from app.cli.usage import usage
from app.embedded import EmbeddedServerError
from app.kernel import AppError


class Kontor(click.Group):
    """Says a refusal as one line with its code, and leaves a bug its traceback."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; what is refused becomes text and status 2."""
        try:
            return super().invoke(ctx)
        except AppError as refused:
            raise said_to_operators(refused) from refused
        except (EmbeddedServerError, RoleNameError) as refused:
            raise CommandRefusedError(str(refused)) from refused
        except (OperationalError, psycopg.OperationalError) as lost:
            first = str(lost).splitlines()[0]
            raise CommandRefusedError(f"The database does not answer: {first}") from lost


@click.group(
    cls=Kontor,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples("kontor demo", "kontor --demo ledger verify"),
)
@click.option(
    "--env-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Read settings from this file before the environment.",
)
@click.option("--demo", "of_demo", is_flag=True, help="Read the settings of the running demo.")
@click.version_option(package_name="kontor")
@click.pass_context
def main(ctx: click.Context, env_file: Path | None, *, of_demo: bool) -> None:
    """Kontor: white-label, multi-tier, prepaid billing."""
    ctx.obj = Invocation(DEMO_DATA / ENVIRONMENT_FILE if of_demo else env_file)


def _ledger() -> click.Group:
    """Return the group of the books, each command connected; it knows nothing of settings."""
    group = copy(ledger)
    group.commands = {
        name: command_with_database(
            command, epilog=examples(f"kontor ledger {name}", f"kontor --demo ledger {name}")
        )
        for name, command in ledger.commands.items()
    }
    return group


for command in (show, price_set, fee_set, bonus_set):
    offer.add_command(command)
for command in (retail_price_set, commission, bonus):
    reseller.add_command(command)

for command in (
    demo, up, web, worker, db, admin, meter, offer, reseller, brand, customer, usage, billing,
    _ledger(), health, mail, themes,
):  # fmt: skip
    main.add_command(command)
for command in (
    user_add, user_invite, user_list, user_remove,
    subject_add, subject_find, subject_list, subject_release,
    adjust, credit, grace, cap, postpaid, prepaid, contract_open, contract_end, reverse,
):  # fmt: skip
    customer.add_command(command)
for command in (fund_from_commission, balance):
    reseller.add_command(command)
for group, command in ((admin, of_admin), (reseller, of_staff), (customer, of_customer_user)):
    group.add_command(command)
for command in (applications, approve, refuse, suspend, resume):
    reseller.add_command(command)
for command in (api_key_list, api_key_revoke, registration):
    reseller.add_command(command)
for command in (admin_invite, admin_list, admin_remove):
    admin.add_command(command)
main.add_command(staff)
