from app.pricing import Step
from app.web.typed import Typed


def read_steps(typed: Typed) -> tuple[Step, ...]:
    """Return the steps of a price form: above so many units, what each further one costs."""
    return tuple(
        Step(row.number(above, places=2), row.number(price))
        for row, above, price in typed.pairs("above", "step_price")
    )
