"""The customer's portal: balance, transactions, top-ups, settings."""
