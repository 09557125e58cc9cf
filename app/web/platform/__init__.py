"""The platform's own pages: prices, resellers, month ends, API keys."""
