"""What gunicorn serves: settings -> create_app -> app."""

from app.edge import configure_logs
from app.factory import create_app
from app.kernel import require_cooperative_driver
from app.settings import Settings

require_cooperative_driver()
settings = Settings()  # type: ignore[call-arg] # mypy misses Field's positional defaults
configure_logs(as_json=settings.log_json)
app = create_app(settings)
