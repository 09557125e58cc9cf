"""Every model of Kontor, imported so that Alembic sees the whole metadata."""

import app.audit.models
import app.billing.models
import app.branding.models
import app.commissions.models
import app.identity.models
import app.ledger.models
import app.notifications.models
import app.onboarding.models
import app.payments.models
import app.pricing.models
import app.tenancy.models  # noqa: F401 - imported for its tables
from app.kernel import Base

metadata = Base.metadata
