"""One module per vendor, each behind a Protocol of a slice or of `ports`."""
