from typing import cast

from sqlalchemy.orm import Session

from app.branding.brands import MAXIMUM_TEXT_LENGTH, BrandLook
from app.branding.models import Brand
from app.branding.rules import BrandTokens, Density, Mode, Radius
from app.tenancy import TenantScope

# What a tenant looks like until it has a brand of its own.
PLAIN_TOKENS = BrandTokens(accent="#2f3e5c", surface="#f6f7f9")


def find_brand(session: Session, scope: TenantScope) -> BrandLook | None:
    """Return how the tenant's site looks; None where nobody has said so yet."""
    brand = session.get(Brand, scope.reseller_id)
    if brand is None:
        return None
    return BrandLook(
        name=brand.name,
        # The row was written from these types; the tokens refuse a value that is not on offer.
        tokens=BrandTokens(
            accent=brand.accent,
            surface=brand.surface,
            radius=cast("Radius", brand.radius),
            density=cast("Density", brand.density),
            mode=cast("Mode", brand.mode),
        ),
        theme=brand.theme,
        language=brand.language,
        logo_url=brand.logo_url,
        favicon_url=brand.favicon_url,
        support_email=brand.support_email,
        support_phone=brand.support_phone,
        imprint_url=brand.imprint_url,
        privacy_url=brand.privacy_url,
        terms_url=brand.terms_url,
    )


def plain_brand(name: str) -> BrandLook:
    """Return the look of a tenant without a brand of its own, whatever its name is made of."""
    shown = "".join(letter for letter in name if letter.isprintable()).strip()
    return BrandLook(name=shown[:MAXIMUM_TEXT_LENGTH] or "\N{EN DASH}", tokens=PLAIN_TOKENS)
