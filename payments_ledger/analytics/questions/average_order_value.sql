-- What an order with a capture came to, by month and currency.
-- computed: average_minor = 1 * captured_minor / orders
SELECT CAST(EXTRACT(YEAR FROM booking_day) * 100 + EXTRACT(MONTH FROM booking_day) AS INTEGER) AS month, currency,
       count(DISTINCT order_id) AS orders, CAST(sum(amount_minor) AS BIGINT) AS captured_minor
FROM events
WHERE event_type = 'payments.payment.captured.v1'
GROUP BY 1, 2
ORDER BY 1, 2
