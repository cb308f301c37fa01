-- Whom a model is judged by, never what it learns from. Only a training build judges: a daily one leaves it empty.
select
    holding.as_of_date,
    holding.customer_id,
    coalesce(customer.sex, 'unknown') as sex,
    case
        when customer.birth_date is null then 'unknown'
        when age(holding.as_of_date, customer.birth_date) < interval '30 years' then 'under 30'
        when age(holding.as_of_date, customer.birth_date) < interval '45 years' then '30 to 44'
        when age(holding.as_of_date, customer.birth_date) < interval '60 years' then '45 to 59'
        else '60 and older'
    end as age_band,
    coalesce(branch.region, 'unknown') as region,
    customer.branch_id,
    case
        when balance.aum_amount < 1000 then 'none'
        when balance.aum_amount < 50000 then 'basic'
        when balance.aum_amount < 200000 then 'silver'
        when balance.aum_amount < 1000000 then 'gold'
        else 'platinum'
    end as asset_tier,
    case
        when holding.tenure_days < 365 then 'first year'
        when holding.tenure_days < 3 * 365 then 'years 2 and 3'
        else 'longer'
    end as tenure_band,
    {{ build_columns() }}
from {{ current('ind_holding') }} as holding
inner join {{ current('ind_balance') }} as balance
    on holding.as_of_date = balance.as_of_date and holding.customer_id = balance.customer_id
inner join {{ state('dim_customer_current') }} as customer on holding.customer_id = customer.customer_id
left join {{ state('dim_branch') }} as branch on customer.branch_id = branch.branch_id
where {{ 'true' if var('build_kind') == 'training' else 'false' }}
