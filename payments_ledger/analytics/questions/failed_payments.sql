-- What was declined or failed, and the state it left the payment in.
SELECT event_type, provider, payment_type, status_after, currency, count(*) AS events,
       CAST(sum(amount_minor) AS BIGINT) AS amount_minor
FROM events
WHERE event_type IN ('payments.payment.failed.v1', 'payments.payment.canceled.v1', 'payments.capture.declined.v1',
                     'payments.void.declined.v1', 'payments.refund.failed.v1')
GROUP BY 1, 2, 3, 4, 5
ORDER BY 1, 2, 3, 4, 5
