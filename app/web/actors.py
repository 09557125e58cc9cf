from app.audit import Actor
from app.edge import require_signed_in
from app.identity import Realm


def acting() -> Actor:
    """Return who does what this request asks for; refuses a stranger.

    That is the colleague, where one acts for a customer: what is done is never put on the customer.
    """
    holder = require_signed_in()
    if holder.acting_staff_id is not None:
        return Actor(Realm.STAFF.value, holder.acting_staff_id)
    return Actor(holder.realm.value, holder.user_id)
