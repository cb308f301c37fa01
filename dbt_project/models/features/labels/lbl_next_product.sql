-- Only as-of dates whose horizon lies wholly before the business date. What is held on the as-of date isn't next.
with as_of as (
    select as_of.as_of_date
    from {{ as_of_dates() }}
    where as_of.as_of_date <= {{ business_date() }} - {{ var('next_product_horizon_days') | int }}
),

taken as (
    select
        customer_id,
        product_id,
        open_date as taken_date
    from {{ state('dim_account') }} as account

    union all

    select
        coalesce(link.linked_customer_id, ordered.customer_id) as customer_id,
        ordered.product_id,
        ordered.ordered_date as taken_date
    from {{ history('fct_wealth_order') }} as ordered
    left join {{ state('bridge_identity') }} as link on ordered.customer_id = link.customer_id
    where ordered.side = 'subscribe'
)

select
    as_of.as_of_date,
    taken.customer_id,
    taken.product_id,
    min(taken.taken_date) as taken_date,
    {{ build_columns() }}
from as_of
inner join taken
    on
        as_of.as_of_date < taken.taken_date
        and taken.taken_date <= as_of.as_of_date + {{ var('next_product_horizon_days') | int }}
where
    not exists (
        select 1
        from {{ current('ftr_product_affinity') }} as held
        where
            held.as_of_date = as_of.as_of_date
            and held.customer_id = taken.customer_id
            and held.product_id = taken.product_id
            and held.is_held
    )
group by as_of.as_of_date, taken.customer_id, taken.product_id
