from app.web.words import gettext as _


def platform_places() -> list[tuple[str, ...]]:
    """Return the platform's main pages: label, endpoint, and what belongs to it."""
    resellers = "platform_resellers.resellers"
    return [
        (_("Overview"), "platform.dashboard", "platform"),
        (_("Resellers"), resellers, "platform_resellers", "platform_wallets"),
        (_("Prices"), "plans.plans", "plans"),
        (_("Month end"), "months.months", "months"),
        (_("API keys"), "platform_keys.keys", "platform_keys"),
        (_("Themes"), "platform_themes.themes", "platform_themes"),
    ]
