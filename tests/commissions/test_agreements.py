from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy import select

from app.commissions import (
    Agreement,
    Basis,
    NoAgreementError,
    RateRefusedError,
    StepsRefusedError,
    TermsFixedError,
    agree_commission,
    agree_commissions,
    read_terms,
)
from app.commissions import agreements_of as agreements_of_scope
from app.commissions.models import CommissionAgreement, CommissionTerm
from app.kernel import transaction
from app.tenancy import PlatformScope, Tenant, TenantScope
from tests.commissions.agreed import an_agreement
from tests.factories import a_reseller
from tests.factories.races import all_at_once, refusals

pytestmark = pytest.mark.usefixtures("connected")
SCOPE = PlatformScope()
JANUARY, APRIL, JULY = (datetime(2026, month, 1, tzinfo=UTC) for month in (1, 4, 7))


def agree(reseller: Tenant, rate: str, valid_from: datetime = JANUARY) -> None:
    with transaction(SCOPE) as session:
        agree_commission(
            session,
            SCOPE,
            reseller_id=reseller.id,
            rate=Decimal(rate),
            valid_from=valid_from,
        )


def agree_together(rates: dict[Tenant, str], valid_from: datetime) -> None:
    with transaction(SCOPE) as session:
        agree_commissions(
            session,
            SCOPE,
            agreements={reseller.id: Agreement(Decimal(rate)) for reseller, rate in rates.items()},
            valid_from=valid_from,
        )


def terms_of(book: Tenant) -> dict[datetime, dict[UUID, Decimal]]:
    with transaction(SCOPE) as session:
        rows = session.scalars(select(CommissionTerm).where(CommissionTerm.reseller_id == book.id))
        found: dict[datetime, dict[UUID, Decimal]] = {}
        for row in rows:
            found.setdefault(row.valid_from, {})[row.beneficiary_id] = row.rate
    return found


def agreements_of(reseller: Tenant) -> int:
    with transaction(SCOPE) as session:
        query = select(CommissionAgreement).where(CommissionAgreement.reseller_id == reseller.id)
        return len(session.scalars(query).all())


def a_pair() -> tuple[Tenant, Tenant]:
    parent = a_reseller()
    return parent, a_reseller(parent_id=parent.id)


def test_parent_and_child_share_what_the_parent_agreed() -> None:
    parent, child = a_pair()

    agree(parent, "0.25")
    agree(child, "0.15")

    assert terms_of(parent) == {JANUARY: {parent.id: Decimal("0.25")}}
    assert terms_of(child) == {JANUARY: {parent.id: Decimal("0.10"), child.id: Decimal("0.15")}}


def test_it_does_not_matter_who_agrees_first() -> None:
    parent, child = a_pair()

    agree(child, "0.15")
    agree(parent, "0.25")

    assert terms_of(child) == {JANUARY: {parent.id: Decimal("0.10"), child.id: Decimal("0.15")}}


def test_a_child_that_agrees_late_gets_the_terms_of_every_later_date_too() -> None:
    parent, child = a_pair()
    agree(parent, "0.25", APRIL)

    agree(child, "0.15", JANUARY)

    assert terms_of(child) == {APRIL: {parent.id: Decimal("0.10"), child.id: Decimal("0.15")}}


def test_a_new_rate_of_the_parent_holds_below_it_from_its_date_on() -> None:
    parent, child = a_pair()
    agree(parent, "0.25")
    agree(child, "0.15")

    agree(parent, "0.30", JULY)

    assert terms_of(child)[JANUARY][parent.id] == Decimal("0.10")
    assert terms_of(child)[JULY] == {
        parent.id: Decimal("0.15"),
        child.id: Decimal("0.15"),
    }


def test_parent_and_child_change_at_one_date_together() -> None:
    parent, child = a_pair()
    agree_together({parent: "0.25", child: "0.15"}, JANUARY)

    agree_together({parent: "0.10", child: "0.05"}, JULY)

    assert terms_of(child)[JULY] == {
        parent.id: Decimal("0.05"),
        child.id: Decimal("0.05"),
    }


@pytest.mark.parametrize("valid_from", [JANUARY, APRIL])
def test_terms_that_are_fixed_from_a_date_on_are_not_agreed_again(valid_from: datetime) -> None:
    parent, child = a_pair()
    agree_together({parent: "0.25", child: "0.15"}, APRIL)
    before = terms_of(child), agreements_of(parent)

    with pytest.raises(TermsFixedError):
        agree(parent, "0.20", valid_from)

    assert (terms_of(child), agreements_of(parent)) == before


@pytest.mark.parametrize("rate", ["1.5", "-0.01", "0.1234567"])
def test_a_rate_out_of_reason_is_refused_and_nothing_is_written(rate: str) -> None:
    reseller = a_reseller()

    with pytest.raises(RateRefusedError):
        agree(reseller, rate)

    assert (terms_of(reseller), agreements_of(reseller)) == ({}, 0)


def test_a_child_cannot_agree_more_than_its_parent_nor_a_parent_less_than_its_child() -> None:
    parent, child = a_pair()
    agree(parent, "0.25")

    with pytest.raises(RateRefusedError):
        agree(child, "0.26")
    agree(child, "0.15")
    with pytest.raises(RateRefusedError):
        agree(parent, "0.14", JULY)

    assert (agreements_of(child), agreements_of(parent)) == (1, 1)


@pytest.mark.parametrize("found", [None, []])
def test_a_book_without_terms_is_refused(found: list[list[str]] | None) -> None:
    with pytest.raises(NoAgreementError):
        read_terms(found)


def agree_steps(
    reseller: Tenant,
    agreement: Agreement,
    valid_from: datetime = JANUARY,
) -> None:
    with transaction(SCOPE) as session:
        agree_commission(
            session,
            SCOPE,
            reseller_id=reseller.id,
            rate=agreement.rate,
            valid_from=valid_from,
            steps=agreement.steps,
            basis=agreement.basis,
        )


@pytest.mark.parametrize("basis", Basis)
def test_steps_and_basis_are_kept_and_terms_begin_with_the_base_rate(basis: Basis) -> None:
    reseller = a_reseller()
    agreement = an_agreement("0.25", (500_000, "0.275"), (2_000_000, "0.325"), basis=basis)

    agree_steps(reseller, agreement)

    scope = TenantScope(reseller.id)
    with transaction(scope) as session:
        assert agreements_of_scope(session, scope) == {JANUARY: agreement}
    assert terms_of(reseller) == {JANUARY: {reseller.id: Decimal("0.25")}}


def test_a_child_cannot_rise_above_its_parent_at_any_volume() -> None:
    parent, child = a_pair()
    agree_steps(parent, an_agreement("0.25", (2_000, "0.30")))

    with pytest.raises(RateRefusedError):
        agree_steps(child, an_agreement("0.20", (1_000, "0.26")))

    assert (agreements_of(child), terms_of(child)) == (0, {})
    agree_steps(child, an_agreement("0.20", (1_000, "0.25"), (2_000, "0.30")))
    assert agreements_of(child) == 1


def test_a_parent_cannot_agree_steps_below_its_childs() -> None:
    parent, child = a_pair()
    agree_steps(parent, an_agreement("0.25", (1_000, "0.30")))
    agree_steps(child, an_agreement("0.25", (1_000, "0.30")))

    with pytest.raises(RateRefusedError):
        agree_steps(parent, an_agreement("0.25", (1_001, "0.30")), JULY)

    assert agreements_of(parent) == 1


def test_steps_that_do_not_rise_are_refused_and_nothing_is_written() -> None:
    reseller = a_reseller()

    with pytest.raises(StepsRefusedError):
        agree_steps(reseller, an_agreement("0.25", (1_000, "0.20")))

    assert (terms_of(reseller), agreements_of(reseller)) == ({}, 0)


def test_of_two_that_agree_at_once_the_second_sees_the_first() -> None:
    parent, child = a_pair()
    agree(parent, "0.25")
    agree(child, "0.15")

    results = all_at_once([lambda: agree(parent, "0.20", JULY), lambda: agree(child, "0.25", JULY)])

    assert len(refusals(results)) == 1
    assert sum(agreements_of(each) for each in (parent, child)) == 3
