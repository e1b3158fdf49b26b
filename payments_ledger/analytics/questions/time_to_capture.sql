-- Milliseconds from a payment's first event to its first capture, by payment type.
SELECT payment_type, count(*) AS payments,
       CAST(percentile_disc(0.5) WITHIN GROUP (ORDER BY waited_ms) AS BIGINT) AS p50_ms,
       CAST(percentile_disc(0.95) WITHIN GROUP (ORDER BY waited_ms) AS BIGINT) AS p95_ms,
       max(waited_ms) AS longest_ms
FROM (
    SELECT payment_id, payment_type,
           min(booked_ms) FILTER (WHERE event_type = 'payments.payment.captured.v1') - min(booked_ms) AS waited_ms
    FROM events
    GROUP BY payment_id, payment_type
) AS payments
WHERE waited_ms IS NOT NULL
GROUP BY payment_type
ORDER BY payment_type
