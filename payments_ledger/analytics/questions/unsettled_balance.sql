-- What each provider has taken for us and not yet paid out. Of the days asked for: without --from it is the balance.
SELECT substr(account, 14) AS provider, currency, CAST(sum(amount_minor) AS BIGINT) AS balance_minor
FROM entries
WHERE substr(account, 1, 13) = 'psp_clearing:'
GROUP BY 1, 2
ORDER BY 1, 2
