with assessed as (
    select
        coalesce(link.linked_customer_id, fact.customer_id) as customer_id,
        (array_agg(fact.risk_level order by fact.assessed_date desc, fact.risk_level))[1] as risk_level,
        (array_agg(fact.expires_date order by fact.assessed_date desc, fact.risk_level))[1] as expires_date
    from {{ history('fct_risk_assessment') }} as fact
    left join {{ current('bridge_identity') }} as link on fact.customer_id = link.customer_id
    where fact.assessed_date <= {{ business_date() }}
    group by coalesce(link.linked_customer_id, fact.customer_id)
),

ordered as (
    select
        coalesce(link.linked_customer_id, fact.customer_id) as customer_id,
        max(fact.risk_level) as risk_level
    from {{ history('fct_wealth_order') }} as fact
    left join {{ current('bridge_identity') }} as link on fact.customer_id = link.customer_id
    where
        fact.side = 'subscribe'
        and fact.ordered_date > {{ business_date() }} - 365
        and fact.ordered_date <= {{ business_date() }}
    group by coalesce(link.linked_customer_id, fact.customer_id)
),

person as (
    select
        holding.customer_id,
        coalesce(assessed.risk_level, 0) as appetite,
        assessed.expires_date,
        coalesce(ordered.risk_level, 0) as taken
    from {{ current('ind_holding') }} as holding
    left join assessed on holding.customer_id = assessed.customer_id
    left join ordered on holding.customer_id = ordered.customer_id
    where holding.as_of_date = {{ business_date() }}
)

select
    customer_id,
    case
        when not {{ delivered('wealth.risk_assessment') }} then null
        when appetite = 0 then 'unassessed'
        when appetite = 1 then 'c1'
        when appetite = 2 then 'c2'
        when appetite = 3 then 'c3'
        when appetite = 4 then 'c4'
        else 'c5'
    end as risk_appetite,
    case
        when not {{ delivered('wealth.risk_assessment') }} then null
        when appetite = 0 then 'none'
        when expires_date <= {{ business_date() }} then 'expired'
        when expires_date <= {{ business_date() }} + 30 then 'expiring'
        else 'valid'
    end as assessment_state,
    case
        when not {{ delivered('wealth.wealth_order') }} then null
        when taken = 0 then 'none'
        when taken <= 2 then 'low'
        when taken = 3 then 'middle'
        else 'high'
    end as risk_taken,
    case
        when {{ delivered('wealth.wealth_order') }} and {{ delivered('wealth.risk_assessment') }}
            then appetite > 0 and taken > appetite
    end as risk_mismatch,
    case
        when not ({{ delivered('wealth.wealth_order') }} and {{ delivered('wealth.risk_assessment') }}) then null
        when appetite = 0 or taken = 0 then 'unknown'
        when taken > appetite then 'exceeded'
        when taken = appetite then 'used'
        else 'spare'
    end as risk_headroom,
    case
        when {{ delivered('wealth.risk_assessment') }}
            then coalesce(appetite >= 3 and expires_date > {{ business_date() }}, false)
    end as suits_risky_products,
    {{ build_columns() }}
from person
