import re
from dataclasses import dataclass, fields
from enum import Enum

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app import audit
from app.branding.errors import BrandRefusedError
from app.branding.models import Brand
from app.branding.rules import BrandTokens
from app.tenancy import TenantScope

MAXIMUM_TEXT_LENGTH = 500
_THEME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_LINK = re.compile(r"https://[^\s\"'<>\\]+|/(?![/\\])[^\s\"'<>\\]*")
# Pictures come from the site itself: the content security policy allows no others.
_PICTURE = re.compile(r"/(?![/\\])[A-Za-z0-9._/-]*")


class Language(Enum):
    """The languages a site can speak (requirement A7)."""

    GERMAN = "de"
    ENGLISH = "en"
    FRENCH = "fr"
    SPANISH = "es"


@dataclass(frozen=True, slots=True)
class BrandLook:
    """How a site looks and what it calls itself. Refuses links that are none, unknown languages."""

    name: str
    tokens: BrandTokens
    theme: str = "plain"
    language: str = Language.GERMAN.value
    logo_url: str = ""
    favicon_url: str = ""
    support_email: str = ""
    support_phone: str = ""
    imprint_url: str = ""
    privacy_url: str = ""
    terms_url: str = ""

    def __post_init__(self) -> None:
        _require("name", bool(self.name.strip()) and self.name.isprintable())
        _require("theme", bool(_THEME.fullmatch(self.theme)))
        _require("language", self.language in {each.value for each in Language})
        for field in ("imprint_url", "privacy_url", "terms_url"):
            _require(field, not getattr(self, field) or bool(_LINK.fullmatch(getattr(self, field))))
        for field in ("logo_url", "favicon_url"):
            url = getattr(self, field)
            _require(field, not url or bool(_PICTURE.fullmatch(url)))
        for each in fields(BrandLook):
            text = getattr(self, each.name)
            _require(each.name, not isinstance(text, str) or len(text) <= MAXIMUM_TEXT_LENGTH)


def save_brand(
    session: Session, scope: TenantScope, *, look: BrandLook, actor: audit.Actor = audit.SYSTEM
) -> None:
    """Publish how the tenant's site looks from now on; the platform is a tenant here too."""
    values = {
        "name": look.name,
        "theme": look.theme,
        "language": look.language,
        "accent": look.tokens.accent,
        "surface": look.tokens.surface,
        "radius": look.tokens.radius,
        "density": look.tokens.density,
        "mode": look.tokens.mode,
        "logo_url": look.logo_url,
        "favicon_url": look.favicon_url,
        "support_email": look.support_email,
        "support_phone": look.support_phone,
        "imprint_url": look.imprint_url,
        "privacy_url": look.privacy_url,
        "terms_url": look.terms_url,
    }
    session.execute(
        insert(Brand)
        .values(reseller_id=scope.reseller_id, **values)
        .on_conflict_do_update(index_elements=["reseller_id"], set_=values)
    )
    audit.record(
        session,
        scope.reseller_id,
        actor=actor,
        action="branding.brand_saved",
        subject_id=scope.reseller_id,
    )


def _require(field: str, holds: bool) -> None:  # noqa: FBT001 - reads as the sentence it is
    if not holds:
        raise BrandRefusedError(field=field)
