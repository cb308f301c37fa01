-- Where a customer stands among the others: tenths and fifths of those who have any, deviations from peers.
with valued as (
    select
        holding.customer_id,
        balance.aum_amount,
        balance.deposit_amount,
        balance.wealth_amount,
        booked.transaction_in_amount_90d,
        booked.transaction_out_amount_90d,
        extract(year from age({{ business_date() }}, customer.birth_date))::integer / 10 as age_decade,
        ln(greatest(balance.aum_amount, 1)) as aum_logarithm,
        ln(greatest(booked.transaction_out_amount_90d, 1)) as outflow_logarithm
    from {{ current('ind_holding') }} as holding
    inner join {{ current('dim_customer_current') }} as customer on holding.customer_id = customer.customer_id
    inner join {{ current('ind_balance') }} as balance
        on holding.customer_id = balance.customer_id and holding.as_of_date = balance.as_of_date
    inner join {{ current('ind_transaction') }} as booked
        on holding.customer_id = booked.customer_id and holding.as_of_date = booked.as_of_date
    where holding.as_of_date = {{ business_date() }}
),

compared as (
    select
        *,
        (aum_logarithm - avg(aum_logarithm) over peers) / nullif(stddev_pop(aum_logarithm) over peers, 0)
            as aum_deviation,
        (outflow_logarithm - avg(outflow_logarithm) over peers) / nullif(stddev_pop(outflow_logarithm) over peers, 0)
            as outflow_deviation
    from valued
    window peers as (partition by age_decade)
)

select
    customer_id,
    -- Version 1 counts those without assets into the lowest tenths; frozen until its end_date.
    case when aum_amount > 0 then ntile(10) over (order by aum_amount, customer_id)::smallint end as aum_decile,
    case
        when aum_amount > 0
            then ntile(10) over (partition by aum_amount > 0 order by aum_amount, customer_id)::smallint
    end as aum_decile_v2,
    case
        when deposit_amount > 0
            then ntile(5) over (partition by deposit_amount > 0 order by deposit_amount, customer_id)::smallint
    end as deposit_quintile,
    case
        when wealth_amount > 0
            then ntile(5) over (partition by wealth_amount > 0 order by wealth_amount, customer_id)::smallint
    end as wealth_quintile,
    case
        when transaction_in_amount_90d > 0
            then
                ntile(10) over (
                    partition by transaction_in_amount_90d > 0 order by transaction_in_amount_90d, customer_id
                )::smallint
    end as inflow_decile,
    case
        when transaction_out_amount_90d > 0
            then
                ntile(10) over (
                    partition by transaction_out_amount_90d > 0 order by transaction_out_amount_90d, customer_id
                )::smallint
    end as outflow_decile,
    case
        when age_decade is null or aum_deviation is null then 'unknown'
        when aum_deviation <= -1.5 then 'far_below'
        when aum_deviation <= -0.5 then 'below'
        when aum_deviation < 0.5 then 'usual'
        when aum_deviation < 1.5 then 'above'
        else 'far_above'
    end as aum_among_peers,
    case
        when age_decade is null or outflow_deviation is null then 'unknown'
        when outflow_deviation <= -1.5 then 'far_below'
        when outflow_deviation <= -0.5 then 'below'
        when outflow_deviation < 0.5 then 'usual'
        when outflow_deviation < 1.5 then 'above'
        else 'far_above'
    end as outflow_among_peers,
    {{ build_columns() }}
from compared
