"""Quality: what every check found, as tables with a history; anomalies of deliveries; sums that have to agree."""
