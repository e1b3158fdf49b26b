-- What share of the captured money was given back, by month and currency, in basis points.
-- computed: refund_rate_bp = 10000 * refunded_minor / captured_minor
-- Credits without an original payment count as given back: their amounts are negative.
SELECT CAST(EXTRACT(YEAR FROM booking_day) * 100 + EXTRACT(MONTH FROM booking_day) AS INTEGER) AS month, currency,
       count(*) FILTER (WHERE event_type = 'payments.payment.captured.v1') AS captures,
       count(*) FILTER (WHERE event_type <> 'payments.payment.captured.v1') AS refunds,
       CAST(coalesce(sum(amount_minor) FILTER (WHERE event_type = 'payments.payment.captured.v1'), 0) AS BIGINT)
           AS captured_minor,
       CAST(coalesce(sum(amount_minor) FILTER (WHERE event_type = 'payments.refund.succeeded.v1'), 0)
            - coalesce(sum(amount_minor) FILTER (WHERE event_type = 'payments.credit.posted.v1'), 0) AS BIGINT)
           AS refunded_minor
FROM events
WHERE event_type IN
      ('payments.payment.captured.v1', 'payments.refund.succeeded.v1', 'payments.credit.posted.v1')
GROUP BY 1, 2
ORDER BY 1, 2
