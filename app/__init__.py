"""Kontor, from the edges (1) down to the kernel (14).

A row may import any row below it; rows with the same number never import each other
(`import-linter` proves it, see `.importlinter`).

 1  `cli`            every command of an operator
 2  `factory`        composition root: settings -> adapters -> `Ports` -> Flask app or worker
 3  `web`            portals of customer, reseller and platform; sign-in; live balance
 3  `api`            REST, incoming webhooks
 3  `worker`         outbox relay, jobs, schedule
 3  `integrations`   one module per vendor behind a slice's Protocol
 3  `sandbox`        a stateful server that speaks Stripe's HTTP API
 3  `embedded`       PostgreSQL and Redis under our own launcher
 3  `settings`, `schema`  typed settings; every model for Alembic
 4  `edge`           site guard, sign-in, CSRF, error kind -> status
 5  `ports`          every adapter the process was given
 8  `billing`        wallets, top-ups, usage charges
 8  `onboarding`     sign-up of resellers, trial, approval
 9  `commissions`    each reseller's share of a charge
 9  `notifications`  messages to people: brand, language, e-mail, what became of them
10  `payments`       what the payment processor told us
10  `pricing`        meters, offers, prices, rating
10  `branding`       theme tokens and sender identity
11  `identity`       customers, users, sessions, API keys
12  `tenancy`        the tree of tenants, their hosts, `TenantScope`
13  `ledger`         accounts, transfers, balances (no word of tenants or billing)
13  `audit`          who did what
14  `kernel`         `Money`, ids, clock, `AppError`, `transaction`, outbox
"""
