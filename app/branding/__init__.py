"""How a tenant's site looks and is called: tokens, texts, links, and the style sheet from them."""

from app.branding.brands import BrandLook, Language, save_brand
from app.branding.errors import BrandRefusedError
from app.branding.queries import find_brand, plain_brand
from app.branding.rules import (
    BrandTokenError,
    BrandTokens,
    InvalidColourError,
    brand_css,
    colour_roles,
    contrast,
)
from app.branding.theme_counts import theme_counts

__all__ = [
    "BrandLook",
    "BrandRefusedError",
    "BrandTokenError",
    "BrandTokens",
    "InvalidColourError",
    "Language",
    "brand_css",
    "colour_roles",
    "contrast",
    "find_brand",
    "plain_brand",
    "save_brand",
    "theme_counts",
]
