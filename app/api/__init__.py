"""Thin edges for machines: the REST API and the incoming webhooks."""

from app.api.register import register

__all__ = ["register"]
