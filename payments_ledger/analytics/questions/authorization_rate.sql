-- What share of the attempts that a provider decided it authorized, in basis points.
-- computed: authorization_rate_bp = 10000 * authorized / decided
SELECT provider, payment_type,
       count(*) FILTER (WHERE event_type = 'payments.payment.created.v1') AS attempts,
       count(*) FILTER (WHERE event_type <> 'payments.payment.created.v1') AS decided,
       count(*) FILTER (WHERE event_type = 'payments.payment.authorized.v1') AS authorized,
       count(*) FILTER (WHERE event_type = 'payments.payment.failed.v1') AS failed
FROM events
WHERE provider <> '' AND event_type IN
      ('payments.payment.created.v1', 'payments.payment.authorized.v1', 'payments.payment.failed.v1')
GROUP BY 1, 2
ORDER BY 1, 2
