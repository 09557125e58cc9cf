"""Sign-in in two steps, below the web: what is bound to what, and what races come to."""

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import func, select

from app.audit import Actor
from app.identity import (
    ChallengeOverError,
    CodesLockedError,
    CustomerUser,
    Realm,
    SecondStep,
    SignInStep,
    StaffUser,
    Stage,
    WrongCodeError,
    answer_challenge,
    challenge_secret,
    challenge_stage,
    change_password,
    delete_expired_sessions,
    demand_second_factor,
    find_signed_in,
    has_second_factor,
    open_session,
    sign_in,
)
from app.identity.second_step_rules import (
    CHALLENGE_LIFETIME,
    FREE_WRONG_CODES,
    SETUP_LIFETIME,
    TRIES,
)
from app.identity.sign_in_models import SignInChallenge
from app.kernel import now, transaction
from app.tenancy import PlatformScope, TenantScope
from tests.factories import (
    BOX,
    PASSWORD,
    AuthenticatorApp,
    a_customer,
    a_customer_user,
    a_reseller,
    a_second_factor,
    a_staff_user,
    scope_of,
)
from tests.factories.races import all_at_once, answers

pytestmark = pytest.mark.usefixtures("connected")
HOST = "nordlicht.kontor.test"
NOW = now()


def a_person() -> tuple[CustomerUser, TenantScope, AuthenticatorApp]:
    user = a_customer_user(a_customer(a_reseller()))
    return user, TenantScope(user.reseller_id), a_second_factor(user)


def first_step(
    scope: TenantScope, user: CustomerUser | StaffUser, realm: Realm = Realm.CUSTOMER
) -> SignInStep:
    with transaction(scope) as session:
        return sign_in(
            session, scope, realm=realm, email=user.email, password=PASSWORD, host=HOST, now=NOW
        )


def second_step(
    scope: TenantScope,
    token: str,
    code: str,
    *,
    realm: Realm = Realm.CUSTOMER,
    host: str = HOST,
    later: timedelta = timedelta(),
) -> SecondStep:
    with transaction(scope) as session:
        return answer_challenge(
            session, scope, realm=realm, token=token, host=host, code=code, box=BOX, now=NOW + later
        )


def is_session(scope: TenantScope, token: str) -> bool:
    with transaction(scope) as session:
        found = find_signed_in(
            session, scope, realm=Realm.CUSTOMER, token=token, host=HOST, now=NOW
        )
    return found is not None


def test_the_password_alone_opens_nothing_where_there_is_a_second_factor() -> None:
    user, scope, _ = a_person()

    step = first_step(scope, user)

    assert step.stage is Stage.CODE
    assert not is_session(scope, step.token)


def test_the_code_opens_the_session_and_ends_the_waiting() -> None:
    user, scope, app = a_person()
    step = first_step(scope, user)

    opened = second_step(scope, step.token, app.code(NOW))
    again = second_step(scope, step.token, app.code(NOW + timedelta(seconds=30)))

    assert opened.token is not None
    assert opened.token != step.token
    assert is_session(scope, opened.token)
    assert isinstance(again.refusal, ChallengeOverError)


def test_r11_a_waiting_sign_in_is_worthless_at_another_tenant_host_and_realm() -> None:
    user, scope, app = a_person()
    step = first_step(scope, user)

    elsewhere = [
        second_step(scope_of(a_reseller()), step.token, app.code(NOW)),
        second_step(scope, step.token, app.code(NOW), host="other.example"),
        second_step(scope, step.token, app.code(NOW), realm=Realm.STAFF),
        second_step(scope, "made up", app.code(NOW)),
    ]

    assert [type(each.refusal) for each in elsewhere] == [ChallengeOverError] * 4
    assert second_step(scope, step.token, app.code(NOW)).token is not None


def test_it_waits_five_minutes() -> None:
    user, scope, app = a_person()
    step = first_step(scope, user)
    late = CHALLENGE_LIFETIME

    refused = second_step(scope, step.token, app.code(NOW + late), later=late)
    with transaction(PlatformScope()) as session:
        delete_expired_sessions(session, PlatformScope(), now=NOW + late + timedelta(seconds=1))
    with transaction(scope) as session:
        left = session.scalar(
            select(func.count())
            .select_from(SignInChallenge)
            .where(SignInChallenge.reseller_id == scope.reseller_id)
        )

    assert isinstance(refused.refusal, ChallengeOverError)
    assert left == 0


def test_after_five_wrong_codes_it_starts_again() -> None:
    user, scope, app = a_person()
    step = first_step(scope, user)

    refusals = [
        type(second_step(scope, step.token, app.wrong_code(NOW)).refusal) for _ in range(TRIES)
    ]

    assert refusals == [WrongCodeError] * (TRIES - 1) + [ChallengeOverError]
    assert second_step(scope, step.token, app.code(NOW)).token is None
    assert second_step(scope, first_step(scope, user).token, app.code(NOW)).token is not None


def test_starting_again_gives_no_more_guesses_than_ten() -> None:
    user, scope, app = a_person()
    for number in range(FREE_WRONG_CODES):
        if number % TRIES == 0:
            token = first_step(scope, user).token
        second_step(scope, token, app.wrong_code(NOW))

    step = second_step(scope, first_step(scope, user).token, app.code(NOW))

    assert isinstance(step.refusal, CodesLockedError)


def test_two_who_type_the_same_code_at_once_open_one_session() -> None:
    user, scope, app = a_person()
    tokens = [first_step(scope, user).token for _ in range(2)]

    steps = answers(
        all_at_once([partial(second_step, scope, token, app.code(NOW)) for token in tokens])
    )

    assert sorted(step.token is not None for step in steps) == [False, True]


def test_a_changed_password_ends_what_waits_for_a_code() -> None:
    user, scope, app = a_person()
    step = first_step(scope, user)

    with transaction(scope) as session:
        change_password(
            session, scope, realm=Realm.CUSTOMER, user_id=user.id, old=PASSWORD,
            new="another good password", token="none", now=NOW,
        )  # fmt: skip

    assert isinstance(second_step(scope, step.token, app.code(NOW)).refusal, ChallengeOverError)


def test_where_it_is_demanded_staff_set_one_up_on_the_way_in_and_customers_do_not() -> None:
    reseller = a_reseller()
    scope, staff = scope_of(reseller), a_staff_user(reseller)
    customer = a_customer_user(a_customer(reseller))
    with transaction(scope) as session:
        open_session(session, scope, realm=Realm.STAFF, user=staff, host=HOST, now=NOW)
        demand_second_factor(session, scope, is_demanded=True, actor=Actor("staff", staff.id))

    step = first_step(scope, staff, Realm.STAFF)
    with transaction(scope) as session:
        stage = challenge_stage(
            session, scope, realm=Realm.STAFF, token=step.token, host=HOST, now=NOW
        )
        secrets = [
            challenge_secret(
                session, scope, realm=Realm.STAFF, token=step.token, host=HOST, box=BOX, now=NOW
            )
            for _ in range(2)
        ]
    app = AuthenticatorApp(secrets[0][0], ())
    wrong = second_step(scope, step.token, app.wrong_code(NOW), realm=Realm.STAFF)
    right = second_step(scope, step.token, app.code(NOW), realm=Realm.STAFF)

    assert first_step(scope, customer).stage is Stage.SIGNED_IN
    assert step.stage is stage is Stage.SETUP
    assert secrets[0] == secrets[1]
    assert secrets[0][1] == staff.email
    assert isinstance(wrong.refusal, WrongCodeError)
    assert right.token is not None
    assert len(right.codes) == 10
    with transaction(scope) as session:
        assert has_second_factor(session, scope, realm=Realm.STAFF, user_id=staff.id)


def test_nobody_sets_up_with_a_key_that_another_sign_in_was_shown() -> None:
    reseller = a_reseller()
    scope, staff = scope_of(reseller), a_staff_user(reseller)
    with transaction(scope) as session:
        demand_second_factor(session, scope, is_demanded=True, actor=Actor("staff", staff.id))
    thief, person = (first_step(scope, staff, Realm.STAFF).token for _ in range(2))
    keys = []
    for token in (thief, person):
        with transaction(scope) as session:
            keys.append(
                challenge_secret(
                    session, scope, realm=Realm.STAFF, token=token, host=HOST, box=BOX, now=NOW
                )[0]
            )

    stolen = AuthenticatorApp(keys[0], ()).code(NOW)
    by_thief = second_step(scope, thief, stolen, realm=Realm.STAFF)
    by_person = second_step(
        scope, person, AuthenticatorApp(keys[1], ()).code(NOW), realm=Realm.STAFF
    )

    assert keys[0] != keys[1]
    assert isinstance(by_thief.refusal, ChallengeOverError)
    assert by_person.token is not None
    late = second_step(scope, thief, stolen, realm=Realm.STAFF, later=SETUP_LIFETIME)
    assert isinstance(late.refusal, ChallengeOverError)
