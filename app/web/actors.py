from app.audit import Actor
from app.edge import require_signed_in


def acting() -> Actor:
    """Return who does what this request asks for; refuses a stranger."""
    holder = require_signed_in()
    return Actor(holder.realm.value, holder.user_id)
