"""What each kind of message says, in the words of one language. Pure: facts in, letter out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from app.identity import Realm
from app.kernel import Money
from app.notifications.kinds import Facts, MessageKind
from app.notifications.ports import Words


@dataclass(frozen=True, slots=True)
class Letter:
    """A message before it is dressed: texts, lines of figures, and where its button leads."""

    subject: str
    preheader: str
    paragraphs: tuple[str, ...]
    button: str
    address: str
    rows: tuple[tuple[str, str], ...] = ()
    closing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Occasion:
    """Everything a letter is written from.

    `place` makes the address of a page in the recipient's portal, `origin` is the site of the
    tenant that the facts name, and `link` the mailed link's token; both are empty elsewhere.
    """

    kind: MessageKind
    realm: Realm
    facts: Facts
    words: Words
    brand: str
    place: Callable[[str], str]
    link: str = ""
    origin: str = ""

    def money(self, name: str) -> str:
        """Return an amount of the facts as the language writes it."""
        amount = Money(int(self.facts[name]), str(self.facts["currency"]))
        return self.words.money(amount)

    def moment(self, name: str) -> str:
        """Return a time of the facts as the language writes it; empty where it is missing."""
        at = self.facts.get(name)
        return self.words.moment(datetime.fromisoformat(str(at))) if at else ""

    def text(self, name: str) -> str:
        """Return a word of the facts; empty where it is missing."""
        return str(self.facts.get(name, ""))


def write_letter(occasion: Occasion) -> Letter:
    """Return what a message says."""
    return _WRITERS[occasion.kind](occasion)


def _invitation(given: Occasion) -> Letter:
    _ = given.words.gettext
    inviter = given.text("inviter")
    by = (
        _("%(inviter)s has invited you to %(brand)s.", inviter=inviter, brand=given.brand)
        if inviter
        else _("You have been invited to %(brand)s.", brand=given.brand)
    )
    return Letter(
        subject=_("Your invitation to %(brand)s", brand=given.brand),
        preheader=_("Choose a password and you are in."),
        paragraphs=(by, _("Choose a password and you are in.")),
        button=_("Accept the invitation"),
        address=given.place(f"/invitation/{given.link}"),
        closing=(*_valid_until(given), _("If you did not expect this, ignore it.")),
    )


def _password_reset(given: Occasion) -> Letter:
    _ = given.words.gettext
    if given.text("reason") == "account_exists":
        return _account_exists(given)
    return Letter(
        subject=_("Choose a new password"),
        preheader=_("The link works once."),
        paragraphs=(
            _("Somebody has asked for a new password for your account with %(brand)s.",
              brand=given.brand),
            _("If it was you, choose it here. The link works once."),
        ),
        button=_("Choose a new password"),
        address=given.place(f"/password/reset/{given.link}"),
        closing=(
            *_valid_until(given),
            _("If it was not you, do nothing: your password stays as it is."),
        ),
    )  # fmt: skip


def _account_exists(given: Occasion) -> Letter:
    _ = given.words.gettext
    return Letter(
        subject=_("You have an account already"),
        preheader=_("Somebody wanted to open another one with your address."),
        paragraphs=(
            _("Somebody wanted to open an account with %(brand)s for this address. You have one "
              "already: sign in with it as always.", brand=given.brand),
            _("If you have forgotten your password, choose a new one here. The link works once."),
        ),
        button=_("Choose a new password"),
        address=given.place(f"/password/reset/{given.link}"),
        closing=(
            *_valid_until(given),
            _("If it was not you, do nothing: your password stays as it is."),
        ),
    )  # fmt: skip


def _email_confirmation(given: Occasion) -> Letter:
    _ = given.words.gettext
    return Letter(
        subject=_("Confirm your e-mail address"),
        preheader=_("One click, and this address is yours with %(brand)s.", brand=given.brand),
        paragraphs=(
            _("This address was given to %(brand)s. Confirm that it is yours.", brand=given.brand),
        ),
        button=_("Confirm the address"),
        address=given.place(f"/email/confirm/{given.link}"),
        closing=(*_valid_until(given), _("If you did not expect this, ignore it.")),
    )


def _valid_until(given: Occasion) -> tuple[str, ...]:
    _ = given.words.gettext
    at = given.moment("expires_at")
    return (_("The link works until %(at)s.", at=at),) if at else ()


def _top_up_receipt(given: Occasion) -> Letter:
    _ = given.words.gettext
    rows = [(_("Paid in"), given.money("amount_minor"))]
    if given.facts["bonus_minor"]:
        rows.append((_("Bonus credit"), given.money("bonus_minor")))
    rows += [
        (_("Date"), given.moment("paid_at")),
        (_("New balance"), given.money("balance_minor")),
    ]
    return Letter(
        subject=_("%(amount)s paid in", amount=given.money("amount_minor")),
        preheader=_("Your new balance: %(balance)s", balance=given.money("balance_minor")),
        paragraphs=(_("Your payment has arrived and can be used at once. Thank you."),),
        rows=tuple(rows),
        button=_("Show my top-ups"),
        address=given.place(_billing(given.realm)),
    )


def _auto_top_up_failed(given: Occasion) -> Letter:
    _ = given.words.gettext
    retry = given.moment("retry_at")
    again = (_("We try again on %(at)s.", at=retry),) if retry else ()
    return Letter(
        subject=_("Your automatic top-up has failed"),
        preheader=_("%(amount)s could not be collected.", amount=given.money("amount_minor")),
        paragraphs=(
            _("We could not collect %(amount)s for your balance.",
              amount=given.money("amount_minor")),
            *again,
            _("Top up by hand or check your payment method, so that your services go on."),
        ),
        button=_("Top up now"),
        address=given.place(_billing(given.realm)),
    )  # fmt: skip


def _low_balance(given: Occasion) -> Letter:
    _ = given.words.gettext
    return Letter(
        subject=_("Your balance is running low"),
        preheader=_("%(balance)s left.", balance=given.money("balance_minor")),
        paragraphs=(
            _("Your balance has fallen below %(threshold)s.",
              threshold=given.money("threshold_minor")),
            _("Top up in time, so that your services go on."),
        ),
        rows=((_("Balance"), given.money("balance_minor")),),
        button=_("Top up now"),
        address=given.place(_billing(given.realm)),
    )  # fmt: skip


def _billing(realm: Realm) -> str:
    # Staff pay into the reseller's own balance.
    return "/portal/billing" if realm is Realm.CUSTOMER else "/balance"


def _security_notice(given: Occasion) -> Letter:
    _ = given.words.gettext
    happened = _what_happened(given)
    device = given.text("device")
    rows = [(_("When"), given.moment("happened_at"))]
    if device:
        rows.append((_("Device"), device))
    return Letter(
        subject=happened,
        preheader=_("If this was you, there is nothing to do."),
        paragraphs=(
            _("About your account with %(brand)s: %(happened)s.",
              brand=given.brand, happened=happened),
            _("If this was you, there is nothing to do."),
            _("If it was not you, choose a new password at once and write to us."),
        ),
        rows=tuple(rows),
        button=_("Choose a new password"),
        address=given.place("/password/forgot"),
    )  # fmt: skip


def _what_happened(given: Occasion) -> str:
    _ = given.words.gettext
    known = {
        "password_changed": _("The password was changed"),
        "second_factor_on": _("The second factor was turned on"),
        "second_factor_off": _("The second factor was turned off"),
        "recovery_code_used": _("A recovery code was used"),
        "new_device": _("There was a sign-in from a new device"),
        "sessions_ended": _("All other sessions were signed out"),
        "recovery_codes_renewed": _("New recovery codes were made"),
    }
    # A fact that is younger than these texts must still reach the person.
    return known.get(given.text("what"), _("A security setting was changed"))


def _reseller_welcome(given: Occasion) -> Letter:
    _ = given.words.gettext
    return Letter(
        subject=_("Your site is ready"),
        preheader=_("Try everything while we look at your application."),
        paragraphs=(
            _("Thank you for signing up. Your site is open for you to try."),
            _("We look at your application and write to you when you can start to sell."),
        ),
        rows=((_("Your site"), given.origin),),
        button=_("Go to my site"),
        address=f"{given.origin}/reseller/login",
    )


def _reseller_approved(given: Occasion) -> Letter:
    _ = given.words.gettext
    return Letter(
        subject=_("You can start to sell"),
        preheader=_("Your application was accepted."),
        paragraphs=(
            _("Your application was accepted. From now on your customers can register and pay."),
        ),
        rows=((_("Your site"), given.origin),),
        button=_("Go to my site"),
        address=f"{given.origin}/reseller/login",
    )


def _reseller_refused(given: Occasion) -> Letter:
    _ = given.words.gettext
    reason = given.text("reason")
    return Letter(
        subject=_("Your application was not accepted"),
        preheader=_("We are sorry."),
        paragraphs=(
            _("We have looked at the application of %(company)s and cannot accept it.",
              company=given.text("company")),
            *((_("The reason: %(reason)s", reason=reason),) if reason else ()),
            _("Answer this e-mail if you think that we are wrong."),
        ),
        button="",
        address="",
    )  # fmt: skip


def _reseller_asked(given: Occasion) -> Letter:
    _ = given.words.gettext
    return Letter(
        subject=_("A question about your application"),
        preheader=_("Your answer helps us to decide."),
        paragraphs=(_("Before we decide we would like to know:"), given.text("question")),
        button=_("Answer"),
        address=f"{given.origin}/reseller/standing",
    )


def _trial_ending(given: Occasion) -> Letter:
    _ = given.words.gettext
    return Letter(
        subject=_("Your trial ends soon"),
        preheader=_("Until then we look at your application."),
        paragraphs=(
            _("Your trial ends on %(at)s. If we have not decided by then, your site is closed"
              " until we have; nothing is lost.", at=given.moment("ends_at")),
        ),
        rows=((_("Your site"), given.origin),),
        button=_("Go to my site"),
        address=f"{given.origin}/reseller/standing",
    )  # fmt: skip


_WRITERS: Mapping[MessageKind, Callable[[Occasion], Letter]] = {
    MessageKind.INVITATION: _invitation,
    MessageKind.PASSWORD_RESET: _password_reset,
    MessageKind.EMAIL_CONFIRMATION: _email_confirmation,
    MessageKind.TOP_UP_RECEIPT: _top_up_receipt,
    MessageKind.AUTO_TOP_UP_FAILED: _auto_top_up_failed,
    MessageKind.LOW_BALANCE: _low_balance,
    MessageKind.SECURITY_NOTICE: _security_notice,
    MessageKind.RESELLER_WELCOME: _reseller_welcome,
    MessageKind.RESELLER_APPROVED: _reseller_approved,
    MessageKind.RESELLER_REFUSED: _reseller_refused,
    MessageKind.RESELLER_ASKED: _reseller_asked,
    MessageKind.TRIAL_ENDING: _trial_ending,
}
