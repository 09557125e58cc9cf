-- A long history of one reseller's book, as its charges would have left it: {entries} usage entries of
-- three transfers each over {wallets} wallets and the last 90 days, rolled up and counted by months.
-- Every sum is that of the rows: `kontor ledger verify` holds.
CREATE TEMPORARY TABLE payer AS
SELECT row_number() OVER (ORDER BY w.id) - 1 AS place, w.id AS wallet_id, w.account_id,
       b.posted AS funds, b.version AS since
  FROM wallets w JOIN ledger_balances b ON b.book_id = w.reseller_id AND b.account_id = w.account_id
 WHERE w.reseller_id = '{book}';
CREATE TEMPORARY TABLE past AS
SELECT n, at,
       (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7'
        || lpad(to_hex(n % 4096), 3, '0') || '8' || lpad(to_hex(n), 15, '0'))::uuid AS id,
       n % {wallets} AS place, n / {wallets} + 1 AS turn
  FROM (SELECT n, now() - interval '90 days' + n * (interval '89 days' / {entries}) AS at
          FROM generate_series(0, {entries} - 1) AS n) AS each;
ANALYZE payer;
ANALYZE past;
INSERT INTO ledger_entries (book_id, id, kind, key, input_hash, effective_at, created_at)
SELECT '{book}', id, 'usage',
       'usage:' || left(encode(sha256(convert_to('past-' || n, 'UTF8')), 'hex'), 32), '\x00', at, at
  FROM past;
INSERT INTO ledger_transfers (book_id, entry_id, n, debit_id, credit_id, amount)
SELECT '{book}', past.id, part.n, payer.account_id, part.credit_id::uuid, part.amount
  FROM past JOIN payer USING (place)
 CROSS JOIN (VALUES (1, '{tax}', 3), (2, '{commission}', 4), (3, '{revenue}', 12))
    AS part (n, credit_id, amount);
INSERT INTO ledger_postings (book_id, entry_id, account_id, version, delta, balance_after)
SELECT '{book}', past.id, payer.account_id, since + turn, -19, funds - 19 * turn
  FROM past JOIN payer USING (place);
INSERT INTO usage_records (
    reseller_id, entry_id, event_id, wallet_id, meter, price_id, quantity, unit_price,
    gross_minor, net_minor, tax_minor, occurred_at)
SELECT '{book}', past.id, 'past-' || n, payer.wallet_id, '{meter}', '{price}', 1, 0.19,
       19, 16, 3, at
  FROM past JOIN payer USING (place);
UPDATE ledger_balances b
   SET posted = b.posted - 19 * spent.turns, version = b.version + spent.turns,
       revision = b.revision + spent.turns
  FROM (SELECT payer.account_id, count(*) AS turns FROM past JOIN payer USING (place)
         GROUP BY payer.account_id) AS spent
 WHERE b.book_id = '{book}' AND b.account_id = spent.account_id;
INSERT INTO ledger_rollups AS r (book_id, account_id, posted)
SELECT '{book}', part.id::uuid, part.amount * {entries}
  FROM (VALUES ('{tax}', 3), ('{commission}', 4), ('{revenue}', 12)) AS part (id, amount)
ON CONFLICT (book_id, account_id) DO UPDATE SET posted = r.posted + excluded.posted;
INSERT INTO ledger_period_rollups AS r (book_id, account_id, period, entry_kind, debited, credited)
SELECT '{book}', part.id::uuid, month.period, 'usage', 0, part.amount * month.entries
  FROM (SELECT ledger_month(at) AS period, count(*) AS entries FROM past GROUP BY 1) AS month
 CROSS JOIN (VALUES ('{tax}', 3), ('{commission}', 4), ('{revenue}', 12)) AS part (id, amount)
ON CONFLICT (book_id, account_id, period, entry_kind)
DO UPDATE SET credited = r.credited + excluded.credited;
