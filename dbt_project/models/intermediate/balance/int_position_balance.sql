with version as (
    select
        position_id,
        customer_id,
        asset_class,
        balance_date,
        balance_amount,
        1 as is_delivered
    from {{ ref('int_position_delivered') }}
    {% if stands_on_previous() %}

    union all

    select
        position_id,
        customer_id,
        asset_class,
        balance_date,
        balance_amount,
        0 as is_delivered
    from {{ previous(this) }} as state
    {% endif %}
)

select distinct on (position_id)
    position_id,
    customer_id,
    asset_class,
    balance_date,
    balance_amount,
    {{ build_columns() }}
from version
order by position_id, balance_date desc, is_delivered desc
