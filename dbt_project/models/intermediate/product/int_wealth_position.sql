-- first_date: the first on which there was anything in the position. Positions are events without an effective date,
-- so their own date orders them.
with version as (
    select
        customer_id,
        product_id,
        position_date,
        market_value_amount,
        case when market_value_amount > 0 then position_date end as first_date,
        business_date as known_date
    from {{ ref('stg_wealth__position') }}
    where business_date {{ '=' if stands_on_previous() else '<=' }} {{ business_date() }}
    {%- if stands_on_previous() %}

    union all

    select
        customer_id,
        product_id,
        position_date,
        market_value_amount,
        first_date,
        known_date
    from {{ previous(this) }} as before
    {%- endif %}
)

select distinct on (customer_id, product_id)
    customer_id,
    product_id,
    position_date,
    market_value_amount,
    min(first_date) over (partition by customer_id, product_id) as first_date,
    known_date,
    {{ build_columns() }}
from version
order by customer_id, product_id, position_date desc, known_date desc
