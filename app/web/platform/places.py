from app.web.words import gettext as _


def platform_places() -> list[tuple[str, ...]]:
    """Return the platform's main pages: label, endpoint, and what belongs to it."""
    resellers = "platform_resellers.resellers"
    return [
        (_("Overview"), "platform.dashboard", "platform"),
        (_("Resellers"), resellers, "platform_resellers", "platform_wallets"),
        (_("Applications"), "applications.queue", "applications"),
        (_("Prices"), "plans.plans", "plans"),
        (_("Month end"), "months.months", "months"),
        (_("E-mails"), "platform_messages.messages", "platform_messages"),
        (_("API keys"), "platform_keys.keys", "platform_keys"),
        (_("Team"), "platform_team.team", "platform_team"),
        (_("Themes"), "platform_themes.themes", "platform_themes"),
    ]
