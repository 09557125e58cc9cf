from flask_openapi3.openapi import OpenAPI

from app.api.incoming.stripe import bp as stripe_webhook
from app.api.rest.balances import bp as balances
from app.api.rest.document import bp as document
from app.api.rest.holds import bp as holds
from app.api.rest.usage import bp as usage
from app.api.rest.usage_batches import bp as usage_batches
from app.api.validation import refuse_body


def register(app: OpenAPI) -> None:
    """Add every address of the API and of the incoming webhooks."""
    app.validation_error_callback = refuse_body
    app.register_api(usage)
    app.register_api(usage_batches)
    app.register_api(holds)
    app.register_api(balances)
    app.register_blueprint(document)
    app.register_blueprint(stripe_webhook)
