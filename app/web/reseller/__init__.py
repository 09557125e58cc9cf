"""The reseller's portal: customers, prices, commission, resellers below, own balance."""
