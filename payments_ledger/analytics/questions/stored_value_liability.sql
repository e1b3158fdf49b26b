-- What we owe the holders of wallets and vouchers. Of the days asked for: without --from it is the balance.
SELECT account, currency, -CAST(sum(amount_minor) AS BIGINT) AS owed_minor
FROM entries
WHERE account IN ('wallet_liability', 'voucher_liability')
GROUP BY 1, 2
ORDER BY 1, 2
