-- A position that was given up and taken again counts as held in between: only its first day and its end are known.
with account as (
    select
        as_of.as_of_date,
        account.customer_id,
        account.product_id,
        coalesce(bool_or(as_of.as_of_date < coalesce(account.close_date, 'infinity')), false) as is_held
    from {{ as_of_dates() }}
    inner join {{ state('dim_account') }} as account on as_of.as_of_date >= account.open_date
    group by as_of.as_of_date, account.customer_id, account.product_id
),

position as (
    select
        as_of.as_of_date,
        position.customer_id,
        position.product_id,
        position.market_value_amount > 0 or position.valued_date > as_of.as_of_date as is_held
    from {{ as_of_dates() }}
    inner join {{ state('dim_wealth_position') }} as position on as_of.as_of_date >= position.first_date
),

looked as (
    select
        as_of.as_of_date,
        coalesce(link.linked_customer_id, event.customer_id) as customer_id,
        event.product_id,
        count(*) filter (
            where event.event_type = 'product_view' and event.event_date > as_of.as_of_date - 30
        ) as view_count_30d,
        count(*) filter (where event.event_type = 'product_view') as view_count_90d,
        count(*) filter (where event.event_type = 'application_step') as application_count_90d
    from {{ as_of_dates() }}
    inner join {{ history('fct_app_event') }} as event
        on
            as_of.as_of_date >= event.event_date
            and as_of.as_of_date - 90 < event.event_date
    left join {{ state('bridge_identity') }} as link on event.customer_id = link.customer_id
    where
        event.product_id is not null
        -- Said without the join too, so that only these days are read.
        and event.event_date > (select min(as_of.as_of_date) - 90 from {{ as_of_dates() }})
    group by as_of.as_of_date, coalesce(link.linked_customer_id, event.customer_id), event.product_id
),

together as (
    select
        as_of_date,
        customer_id,
        product_id,
        is_held,
        0 as view_count_30d,
        0 as view_count_90d,
        0 as application_count_90d
    from account

    union all

    select
        as_of_date,
        customer_id,
        product_id,
        is_held,
        0 as view_count_30d,
        0 as view_count_90d,
        0 as application_count_90d
    from position

    union all

    select
        as_of_date,
        customer_id,
        product_id,
        null as is_held,
        view_count_30d,
        view_count_90d,
        application_count_90d
    from looked
)

select
    as_of_date,
    customer_id,
    product_id,
    coalesce(bool_or(is_held), false) as is_held,
    bool_or(is_held) is not null as was_held,
    sum(view_count_30d)::integer as view_count_30d,
    sum(view_count_90d)::integer as view_count_90d,
    sum(application_count_90d)::integer as application_count_90d,
    {{ build_columns() }}
from together
group by as_of_date, customer_id, product_id
