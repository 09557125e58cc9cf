from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from app.audit import SYSTEM, AuditRecord
from app.identity import (
    CustomerUser,
    Realm,
    SecondFactorDemandedError,
    SecondFactorOffError,
    SecondFactorOnError,
    WrongCodeError,
    WrongPasswordError,
    begin_second_factor,
    begun_secret,
    cancel_second_factor,
    confirm_second_factor,
    demand_second_factor,
    has_second_factor,
    remove_customer_user,
    renew_recovery_codes,
    reset_second_factor,
    second_factor_state,
    turn_off_second_factor,
)
from app.identity.second_factors import CodeAnswer, use_code
from app.identity.second_step_rules import FREE_WRONG_CODES, LOCK
from app.identity.sign_in_models import KnownBrowser, RecoveryCode, SecondFactor
from app.integrations.secret_box import SealedBox
from app.kernel import now, transaction
from app.kernel.outbox import OutboxEvent
from app.tenancy import PLATFORM_ID, PlatformScope, TenantScope
from tests.factories import (
    BOX,
    PASSWORD,
    AuthenticatorApp,
    a_customer,
    a_customer_user,
    a_platform,
    a_platform_user,
    a_reseller,
    a_second_factor,
    a_staff_user,
    scope_of,
)

pytestmark = pytest.mark.usefixtures("connected")
# Tokens of two sign-ins of one person.
THIS, OTHER = "of this sign-in", "of another one"


def a_person() -> CustomerUser:
    return a_customer_user(a_customer(a_reseller()))


def scope(user: CustomerUser) -> TenantScope:
    return TenantScope(user.reseller_id)


def answer(
    user: CustomerUser, code: str, at: datetime, *, box: SealedBox | None = None
) -> CodeAnswer:
    with transaction(scope(user)) as session:
        return use_code(
            session, scope(user), realm=Realm.CUSTOMER, user_id=user.id,
            code=code, box=box or BOX, now=at,
        )  # fmt: skip


def begun(user: CustomerUser, token: str = THIS) -> bytes:
    with transaction(scope(user)) as session:
        return begin_second_factor(
            session, scope(user), realm=Realm.CUSTOMER, user_id=user.id, token=token, box=BOX
        )


def confirmed(user: CustomerUser, code: str, token: str = THIS) -> list[str]:
    with transaction(scope(user)) as session:
        return confirm_second_factor(
            session, scope(user), realm=Realm.CUSTOMER, user_id=user.id,
            token=token, code=code, box=BOX, now=now(),
        )  # fmt: skip


def is_on(user: CustomerUser) -> bool:
    with transaction(scope(user)) as session:
        return has_second_factor(session, scope(user), realm=Realm.CUSTOMER, user_id=user.id)


def told(user: CustomerUser) -> list[str]:
    with transaction(PlatformScope()) as session:
        events = session.scalars(
            select(OutboxEvent)
            .where(
                OutboxEvent.reseller_id == user.reseller_id, OutboxEvent.kind == "security_changed"
            )
            .order_by(OutboxEvent.id)
        ).all()
    assert {each.body["user_id"] for each in events} <= {str(user.id)}
    assert {each.body["realm"] for each in events} <= {"customer"}
    return [each.body["what"] for each in events]


def noted(user: CustomerUser) -> list[str]:
    with transaction(scope(user)) as session:
        return list(
            session.scalars(
                select(AuditRecord.action)
                .where(
                    AuditRecord.reseller_id == user.reseller_id, AuditRecord.subject_id == user.id
                )
                .order_by(AuditRecord.id)
            )
        )


def test_a_second_factor_counts_once_a_code_has_confirmed_it() -> None:
    user = a_person()

    secret = begun(user)
    before = is_on(user)
    codes = confirmed(user, AuthenticatorApp(secret, ()).code(now()))

    assert not before
    assert is_on(user)
    assert len(set(codes)) == 10
    assert told(user) == ["second_factor_on"]
    assert noted(user)[-1] == "identity.second_factor_on"


def test_a_wrong_code_confirms_nothing() -> None:
    user = a_person()
    app = AuthenticatorApp(begun(user), ())

    with pytest.raises(WrongCodeError):
        confirmed(user, app.wrong_code(now()))

    assert not is_on(user)
    assert told(user) == []


def test_nobody_confirms_a_key_that_another_session_has_seen() -> None:
    user = a_person()
    app = AuthenticatorApp(begun(user, OTHER), ())

    with transaction(scope(user)) as session:
        shown = begun_secret(
            session, scope(user), realm=Realm.CUSTOMER, user_id=user.id, token=THIS, box=BOX
        )
    with pytest.raises(SecondFactorOffError):
        confirmed(user, app.code(now()), THIS)

    assert shown is None
    assert not is_on(user)


def test_what_was_begun_can_be_seen_again_begun_anew_and_cancelled() -> None:
    user = a_person()
    first = begun(user)

    with transaction(scope(user)) as session:
        shown = begun_secret(
            session, scope(user), realm=Realm.CUSTOMER, user_id=user.id, token=THIS, box=BOX
        )
    second = begun(user)
    with transaction(scope(user)) as session:
        cancel_second_factor(session, scope(user), realm=Realm.CUSTOMER, user_id=user.id)
        left = begun_secret(
            session, scope(user), realm=Realm.CUSTOMER, user_id=user.id, token=THIS, box=BOX
        )

    assert shown == first != second
    assert left is None


def test_one_that_is_on_is_neither_begun_nor_cancelled_nor_confirmed_again() -> None:
    user = a_person()
    app = a_second_factor(user)

    with pytest.raises(SecondFactorOnError):
        begun(user)
    with pytest.raises(SecondFactorOnError):
        confirmed(user, app.code(now()))
    with transaction(scope(user)) as session:
        cancel_second_factor(session, scope(user), realm=Realm.CUSTOMER, user_id=user.id)

    assert answer(user, app.code(now()), now()) is CodeAnswer.RIGHT


def test_a_code_cannot_be_used_twice() -> None:
    user = a_person()
    app, at = a_second_factor(user), now()

    answers = [answer(user, app.code(at), at) for _ in range(2)]

    assert answers == [CodeAnswer.RIGHT, CodeAnswer.WRONG]


def test_the_code_that_turned_it_on_signs_nobody_in() -> None:
    user, at = a_person(), now()
    app = a_second_factor(user, at=at)

    assert answer(user, app.code(at), at) is CodeAnswer.WRONG
    assert answer(user, app.code(at + timedelta(seconds=30)), at) is CodeAnswer.RIGHT


def test_a_recovery_code_is_good_once_and_told() -> None:
    user = a_person()
    app = a_second_factor(user)

    answers = [answer(user, app.recovery_codes[3].upper(), now()) for _ in range(2)]

    with transaction(scope(user)) as session:
        state = second_factor_state(session, scope(user), realm=Realm.CUSTOMER, user_id=user.id)
    assert answers == [CodeAnswer.RIGHT, CodeAnswer.WRONG]
    assert state.codes_left == 9
    assert told(user) == ["second_factor_on", "recovery_code_used"]


def test_a_recovery_code_of_somebody_else_is_wrong() -> None:
    user, other = a_person(), a_person()
    a_second_factor(user)

    stolen = a_second_factor(other).recovery_codes[0]

    assert answer(user, stolen, now()) is CodeAnswer.WRONG


def test_after_ten_wrong_codes_there_is_one_guess_in_a_quarter_of_an_hour() -> None:
    user, at = a_person(), now()
    app = a_second_factor(user)

    answers = [answer(user, app.wrong_code(at), at) for _ in range(FREE_WRONG_CODES)]
    locked = answer(user, app.code(at), at)
    later = at + LOCK
    guess = answer(user, app.wrong_code(later), later)
    locked_again = answer(user, app.code(later), later)

    assert set(answers) == {CodeAnswer.WRONG}
    assert (locked, guess, locked_again) == (
        CodeAnswer.LOCKED, CodeAnswer.WRONG, CodeAnswer.LOCKED,
    )  # fmt: skip
    assert answer(user, app.recovery_codes[0], later) is CodeAnswer.RIGHT
    assert answer(user, app.code(later), later) is CodeAnswer.RIGHT


def test_a_right_code_forgives_the_wrong_ones() -> None:
    user, at = a_person(), now()
    app = a_second_factor(user)

    for _ in range(2):
        for _ in range(FREE_WRONG_CODES - 1):
            answer(user, app.wrong_code(at), at)
        assert answer(user, app.code(at), at) is CodeAnswer.RIGHT
        at += timedelta(minutes=5)


def test_with_another_secret_key_recovery_codes_still_work() -> None:
    user = a_person()
    app, changed = a_second_factor(user), SealedBox("another SECRET_KEY")

    assert answer(user, app.code(now()), now(), box=changed) is CodeAnswer.WRONG
    assert answer(user, app.recovery_codes[0], now(), box=changed) is CodeAnswer.RIGHT


def test_the_database_shows_neither_key_nor_code() -> None:
    user = a_person()
    app = a_second_factor(user)

    with transaction(scope(user)) as session:
        kept = session.scalar(
            select(SecondFactor.sealed_secret).where(SecondFactor.reseller_id == user.reseller_id)
        )
        hashes = session.scalars(
            select(RecoveryCode.code_hash).where(RecoveryCode.reseller_id == user.reseller_id)
        ).all()

    assert kept is not None
    assert app.secret not in kept
    assert len(hashes) == 10
    assert not {code.encode() for code in app.recovery_codes} & set(hashes)


def test_it_is_turned_off_with_the_password_alone() -> None:
    user = a_person()
    app = a_second_factor(user)

    with pytest.raises(WrongPasswordError), transaction(scope(user)) as session:
        turn_off_second_factor(
            session, scope(user), realm=Realm.CUSTOMER, user_id=user.id, password="not mine at all"
        )
    still = is_on(user)
    with transaction(scope(user)) as session:
        turn_off_second_factor(
            session, scope(user), realm=Realm.CUSTOMER, user_id=user.id, password=PASSWORD
        )

    assert still
    assert not is_on(user)
    assert answer(user, app.recovery_codes[0], now()) is CodeAnswer.WRONG
    assert told(user) == ["second_factor_on", "second_factor_off"]


def test_new_recovery_codes_end_the_old_ones() -> None:
    user = a_person()
    app = a_second_factor(user)

    with pytest.raises(WrongPasswordError), transaction(scope(user)) as session:
        renew_recovery_codes(
            session, scope(user), realm=Realm.CUSTOMER, user_id=user.id, password="not mine at all"
        )
    with transaction(scope(user)) as session:
        fresh: Sequence[str] = renew_recovery_codes(
            session, scope(user), realm=Realm.CUSTOMER, user_id=user.id, password=PASSWORD
        )

    assert not set(fresh) & set(app.recovery_codes)
    assert answer(user, app.recovery_codes[0], now()) is CodeAnswer.WRONG
    assert told(user) == ["second_factor_on", "recovery_codes_renewed"]
    assert answer(user, fresh[0], now()) is CodeAnswer.RIGHT


def test_who_has_none_gets_no_recovery_codes_and_no_reset() -> None:
    user = a_person()

    with pytest.raises(SecondFactorOffError), transaction(scope(user)) as session:
        renew_recovery_codes(
            session, scope(user), realm=Realm.CUSTOMER, user_id=user.id, password=PASSWORD
        )
    with pytest.raises(SecondFactorOffError), transaction(scope(user)) as session:
        reset_second_factor(session, scope(user), realm=Realm.CUSTOMER, user_id=user.id)

    assert told(user) == []


def test_where_it_is_demanded_it_cannot_be_turned_off() -> None:
    reseller = a_reseller()
    staff = a_staff_user(reseller)
    a_second_factor(staff)
    with transaction(scope_of(reseller)) as session:
        demand_second_factor(session, scope_of(reseller), is_demanded=True, actor=SYSTEM)

    with (
        pytest.raises(SecondFactorDemandedError),
        transaction(scope_of(reseller)) as session,
    ):
        turn_off_second_factor(
            session, scope_of(reseller), realm=Realm.STAFF, user_id=staff.id, password=PASSWORD
        )

    with transaction(scope_of(reseller)) as session:
        assert has_second_factor(session, scope_of(reseller), realm=Realm.STAFF, user_id=staff.id)


def test_an_account_that_ends_leaves_nothing_behind() -> None:
    customer = a_customer(a_reseller())
    a_customer_user(customer)
    leaving = a_customer_user(customer)
    a_second_factor(leaving)

    with transaction(scope(leaving)) as session:
        remove_customer_user(session, scope(leaving), customer_id=customer.id, user_id=leaving.id)

    with transaction(scope(leaving)) as session:
        left = [
            session.scalars(select(table.user_id).where(table.reseller_id == customer.reseller_id))
            for table in (SecondFactor, RecoveryCode, KnownBrowser)
        ]
        assert [each.all() for each in left] == [[], [], []]


def test_the_application_sees_nothing_of_admins_whatever_tenant_it_names() -> None:
    a_platform()
    admin = a_platform_user()
    a_second_factor(admin)

    with transaction(TenantScope(PLATFORM_ID)) as session:
        seen = session.scalars(select(SecondFactor.user_id)).all()
    with transaction(PlatformScope()) as session:
        there = session.get(SecondFactor, (PLATFORM_ID, "platform", admin.id))

    assert seen == []
    assert there is not None
