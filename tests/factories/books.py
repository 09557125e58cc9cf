"""A book of the ledger: accounts and entries, its seals, exports and proofs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from app import ledger
from app.billing import Proof, prove_books
from app.kernel import Money, new_id, now, transaction
from app.ledger import (
    AccountName,
    EntryDraft,
    HeadLog,
    Posted,
    Reach,
    TransferDraft,
    account_id,
    fingerprint,
    get_balance,
    open_account,
    post,
)
from app.tenancy import PLATFORM_ID, PlatformScope, TenantScope

SHARED = ("clearing", "tax_payable", "tax_prepaid", "commission", "revenue")

# Every guarded account that a book of these tests has: a draft must name those it touches.
_WALLETS: set[UUID] = set()


@dataclass(frozen=True)
class Book:
    """A reseller's book with the platform's shared accounts open."""

    id: UUID = field(default_factory=new_id)

    @property
    def scope(self) -> TenantScope:
        return TenantScope(self.id)

    def shared(self, kind: str, currency: str = "EUR") -> UUID:
        return account_id(self.id, AccountName(kind, PLATFORM_ID, currency))

    def wallet(self, funds: int = 0, *, currency: str = "EUR", credit_limit: int = 0) -> UUID:
        """Open a guarded account and pay `funds` in."""
        name = AccountName("wallet", new_id(), currency)
        with transaction(self.scope) as session:
            opened = open_account(session, self.id, name, credit_limit=credit_limit)
        _WALLETS.add(opened)
        if funds:
            pay_in(self, opened, funds)
        return opened


def a_book(*currencies: str) -> Book:
    book = Book()
    with transaction(book.scope) as session:
        for currency in currencies or ("EUR",):
            for kind in SHARED:
                open_account(session, book.id, AccountName(kind, PLATFORM_ID, currency))
    return book


def euros(minor: int) -> Money:
    return Money(minor, "EUR")


def a_draft(
    book: Book,
    transfers: Sequence[TransferDraft],
    *,
    watch: UUID | None,
    kind: str = "usage",
    key: str | None = None,
    facts: object = None,
) -> EntryDraft:
    touched = {side for each in transfers for side in (each.debit_id, each.credit_id)}
    return EntryDraft(
        book_id=book.id,
        kind=kind,
        key=key or f"key:{new_id()}",
        input_hash=fingerprint({"facts": facts}),
        effective_at=now(),
        transfers=transfers,
        watch=watch,
        guarded=[account for account in touched if account in _WALLETS],
    )


def write(book: Book, draft: EntryDraft) -> Posted:
    with transaction(book.scope) as session:
        return post(session, draft)


def pay_in(book: Book, wallet: UUID, minor: int, *, key: str | None = None) -> Posted:
    transfer = TransferDraft(book.shared("clearing"), wallet, euros(minor))
    return write(book, a_draft(book, [transfer], watch=wallet, kind="top_up", key=key, facts=minor))


def spend(book: Book, wallet: UUID, minor: int, *, key: str | None = None) -> Posted:
    transfer = TransferDraft(wallet, book.shared("revenue"), euros(minor))
    return write(book, a_draft(book, [transfer], watch=wallet, key=key, facts=minor))


def roll_up(book_id: UUID, limit: int = 10_000) -> None:
    """Let entries leave the tail: one seal, if there are any."""
    with transaction(TenantScope(book_id)) as session:
        ledger.roll_up(session, book_id, limit=limit)


def export(log: HeadLog) -> int | None:
    """Write the heads of all books outside the database."""
    return ledger.export_heads(log, PlatformScope(), now=now())


def prove(log: HeadLog, reach: Reach = Reach.WHOLE) -> Proof:
    """Check every law; where all hold, the next proof of what is new goes on from here."""
    return prove_books(log, PlatformScope(), now=now(), reach=reach, freeze=False)


def posted_on(book: Book, account: UUID) -> int:
    with transaction(book.scope) as session:
        return get_balance(session, book.id, account).posted.minor
