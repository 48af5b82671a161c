SELECT date, hits, users FROM monks.daily_totals ORDER BY date
