"""Who plays in the demo. Prices, rates and looks are data, as everywhere.

Passwords may stand here: the demo listens on this machine alone and `settings.py` refuses them
elsewhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from app.branding import BrandLook, BrandTokens
from app.commissions import BonusKind, BonusTerms, Step
from app.kernel import Money
from app.pricing import BonusStep, Increment

PLATFORM_NAME = "Kontor"
PLATFORM_ADMIN = "admin@kontor.example"
PLATFORM_ADMIN_NAME = "Paula Platt"
PLATFORM_PASSWORD = "kontor-demo"  # noqa: S105 - shown in the terminal
PLATFORM_LOOK = BrandLook(
    name=PLATFORM_NAME,
    theme="plain",
    language="de",
    tokens=BrandTokens(accent="#2f3e5c", surface="#f6f7f9", radius="small", density="compact"),
    logo_url="/static/demo/logo-kontor.svg",
    favicon_url="/static/demo/icon-kontor.svg",
    support_email="hilfe@kontor.example",
)

# What a visitor who signs up sells, and what she accepts: examples, in the place of an operator's.
SIGN_UP_PLAN = "telefonie"
SIGN_UP_TEXTS = {
    "terms": "/static/demo/terms.html",
    "data_processing": "/static/demo/data-processing.html",
}

# Unit, and how many parts of it increments count in.
METERS = {"call_minutes": ("minute", 60), "messages": ("message", 1)}
CURRENCY = "EUR"
TAX_RATE = Decimal("0.19")


@dataclass(frozen=True)
class Office:
    """A customer: whose rows of the usage file it gets, and how it pays in (amounts in cents).

    It pays in `top_up` whenever less than `floor` is left; with a floor of nothing it never does.
    """

    records: str
    number: str
    company: str
    person: str
    email: str
    opening: int = 5_000
    top_up: int = 5_000
    floor: int = 2_000
    remark: str = ""
    line: str = ""
    has_base_fee: bool = False


@dataclass(frozen=True)
class Rate:
    """The gross price of a unit, in euros, what is counted at least and then, and the floor."""

    unit_price: Decimal
    floor: Decimal
    increment: Increment | None = None


@dataclass(frozen=True)
class Brand:
    """A reseller, its terms and its customers; all who sign in there share a password."""

    slug: str
    look: BrandLook
    offer: str
    commission: Decimal
    admin: str
    admin_name: str
    password: str
    offices: Sequence[Office]
    parent: str | None = None
    custom_host: str | None = None
    own_prices: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What the reseller calls itself."""
        return self.look.name


def _imprint(company: str, person: str, domain: str) -> str:
    """Return a legal notice of nobody, in the markup of own legal texts."""
    return (
        f"# Angaben nach § 5 DDG\n{company}\nBeispielweg 1\n20457 Hamburg\n\n"
        f"## Vertreten durch\n{person}\n\n## Kontakt\n- E-Mail: hilfe@{domain}.example\n\n"
        "Diese Firma gibt es nicht: Sie sehen eine Vorführung."
    )


_TERMS = (
    "# Terms\nThis company does not exist: you are looking at a demonstration.\n\n"
    "## What you pay\n- Usage is charged per unit, from your prepaid balance.\n"
    "- A top-up is credited as soon as it is paid.\n\nQuestions? help@brightline.example"
)

OFFERS: Mapping[str, Mapping[str, Rate]] = {
    "telefonie": {
        "call_minutes": Rate(Decimal("0.19"), Decimal("0.12"), Increment(60, 1)),
        "messages": Rate(Decimal("0.09"), Decimal("0.05")),
    },
    "voice": {
        "call_minutes": Rate(Decimal("0.21"), Decimal("0.14"), Increment(60, 1)),
        "messages": Rate(Decimal("0.08"), Decimal("0.05")),
    },
}
# A top-up from 100 € on earns 10 € for a year.
BONUS_STEPS = (BonusStep(Money(10_000, CURRENCY), Money(1_000, CURRENCY), 365),)
BASE_FEE, BASE_FEE_NAMES = "base", {"telefonie": "Grundgebühr", "voice": "Base fee"}
BASE_FEE_AMOUNT, BASE_FEE_MONTHS = Money(490, CURRENCY), 1
# What every reseller earns once for a customer that is new, that stays, that uses much.
COMMISSION_BONUSES = {
    BonusKind.NEW_CUSTOMER: BonusTerms(Money(500, CURRENCY)),
    BonusKind.RETENTION: BonusTerms(Money(1_000, CURRENCY), months=3),
    BonusKind.HIGH_USAGE: BonusTerms(Money(200, CURRENCY), threshold=Money(5_000, CURRENCY)),
}

NORDLICHT = Brand(
    slug="nordlicht",
    look=BrandLook(
        name="Nordlicht Telefonie",
        theme="klar",
        language="de",
        tokens=BrandTokens(accent="#0f6e84", surface="#f1f7f8", radius="large"),
        logo_url="/static/demo/logo-nordlicht.svg",
        favicon_url="/static/demo/icon-nordlicht.svg",
        support_email="hilfe@nordlicht.example",
        support_phone="040 66969 100",
        font="figtree",
        greeting="Moin! Schön, dass Sie da sind.",
        reply_to="hilfe@nordlicht.example",
        statement_suffix="NORDLICHT",
        imprint_text=_imprint("Nordlicht Telefonie GmbH", "Jonas Petersen", "nordlicht"),
    ),
    offer="telefonie",
    commission=Decimal("0.25"),
    admin="admin@nordlicht.example",
    admin_name="Jonas Petersen",
    password="nordlicht-demo",  # noqa: S106 - shown in the terminal
    custom_host="portal.nordlicht.localhost",
    offices=(
        Office(
            "de-01", "N-1001", "Meyer & Sohn Elektrotechnik GmbH", "Alex Meyer",
            "alex.meyer@example.com", top_up=10_000, floor=8_000,
            remark="same e-mail at Brightline",
            line="line:+494066969101", has_base_fee=True,
        ),
        Office(
            "de-02", "N-1002", "Physiotherapie Sonnental", "Katrin Brandt",
            "katrin.brandt@example.com",
            line="line:+494066969102",
        ),
        Office(
            "de-03", "N-1003", "Steuerkanzlei Dr. Voss & Partner", "Henrik Voss",
            "henrik.voss@example.com",
            line="line:+494066969103",
        ),
        Office(
            "de-04", "N-1004", "Bäckerei Klüver", "Maike Klüver",
            "maike.kluever@example.com", opening=2_000, floor=0, remark="low balance",
            line="line:+494066969104",
        ),
        Office(
            "de-05", "N-1005", "Autohaus Lindner GmbH & Co. KG", "Thomas Lindner",
            "thomas.lindner@example.com", opening=50_000, remark="well filled",
            line="line:+494066969105", has_base_fee=True,
        ),
        Office(
            "de-06", "N-1006", "Zahnarztpraxis am Stadtpark", "Selin Aydin",
            "selin.aydin@example.com",
            line="line:+494066969106",
        ),
    ),
)  # fmt: skip

BRIGHTLINE = Brand(
    slug="brightline",
    look=BrandLook(
        name="Brightline Voice",
        theme="atelier",
        language="en",
        tokens=BrandTokens(accent="#a3324f", surface="#fbf5ec", radius="none"),
        logo_url="/static/demo/logo-brightline.svg",
        favicon_url="/static/demo/icon-brightline.svg",
        support_email="help@brightline.example",
        support_phone="+44 20 7946 0100",
        sender_name="Brightline Customer Care",
        reply_to="help@brightline.example",
        statement_suffix="BRIGHTLINE",
        terms_text=_TERMS,
    ),
    offer="voice",
    commission=Decimal("0.25"),
    admin="admin@brightline.example",
    admin_name="Harriet Lowe",
    own_prices={"call_minutes": Decimal("0.22")},
    password="brightline-demo",  # noqa: S106 - shown in the terminal
    offices=(
        Office(
            "gb-01", "B-2001", "Meyer Design Studio", "Alex Meyer",
            "alex.meyer@example.com", top_up=10_000, floor=8_000,
            remark="same e-mail at Nordlicht",
            line="line:+442079460001", has_base_fee=True,
        ),
        Office(
            "gb-02", "B-2002", "Whitby & Lowe Solicitors", "Eleanor Whitby",
            "eleanor.whitby@example.com",
            line="line:+442079460002",
        ),
        Office(
            "gb-03", "B-2003", "Oakfield Veterinary Clinic", "Rohan Mehta",
            "rohan.mehta@example.com",
            line="line:+442079460003",
        ),
        Office(
            "gb-04", "B-2004", "Harbour Street Books", "Isla Ferguson",
            "isla.ferguson@example.com",
            line="line:+442079460004",
        ),
        Office(
            "gb-05", "B-2005", "Pennine Heating Ltd", "Gareth Shaw",
            "gareth.shaw@example.com",
            line="line:+442079460005", has_base_fee=True,
        ),
        Office(
            "gb-06", "B-2006", "Copperline Architects", "Nadia Osei",
            "nadia.osei@example.com",
            line="line:+442079460006",
        ),
    ),
)  # fmt: skip

HAFEN = Brand(
    slug="hafen",
    look=BrandLook(
        name="Hafen Büroservice",
        theme="pult",
        language="de",
        tokens=BrandTokens(accent="#b4560f", surface="#faf6f0", radius="small"),
        logo_url="/static/demo/logo-hafen.svg",
        favicon_url="/static/demo/icon-hafen.svg",
        support_email="hilfe@hafen.example",
        support_phone="040 66969 200",
        font="nunito-sans",
        reply_to="hilfe@hafen.example",
        imprint_text=_imprint("Hafen Büroservice", "Imke Jansen", "hafen"),
    ),
    offer="telefonie",
    commission=Decimal("0.15"),
    admin="admin@hafen.example",
    admin_name="Imke Jansen",
    password="hafen-demo",  # noqa: S106 - shown in the terminal
    parent="nordlicht",
    offices=(
        Office(
            "de-07", "H-3001", "Reederei Jansen & Söhne", "Ole Jansen", "ole.jansen@example.com",
            remark="pays both resellers",
            line="line:+494066969107",
        ),
        Office(
            "de-08", "H-3002", "Übersetzungsbüro Wellenschlag", "Marta Nowak",
            "marta.nowak@example.com",
            line="line:+494066969108",
        ),
        Office(
            "de-09", "H-3003", "Speicherstadt Rösterei", "Felix Harms", "felix.harms@example.com",
            line="line:+494066969109",
        ),
        Office(
            "de-10", "H-3004", "Notariat Thiessen", "Birte Thiessen", "birte.thiessen@example.com",
            line="line:+494066969110",
        ),
        Office(
            "de-11", "H-3005", "Elbblick Immobilien", "Deniz Kaya", "deniz.kaya@example.com",
            line="line:+494066969111",
        ),
    ),
)  # fmt: skip

# Above 5,000 € and 20,000 € net in a month a reseller earns more.
_RISING = (Step(500_000, Decimal("0.275")), Step(2_000_000, Decimal("0.325")))
STEPS: Mapping[str, tuple[Step, ...]] = {"nordlicht": _RISING, "brightline": _RISING, "hafen": ()}

# Parents before children.
BRANDS = (NORDLICHT, BRIGHTLINE, HAFEN)
