-- What a delivery said of a product that the one before it had not, from all deliveries up to the business date. One
-- that leaves a product out says that it is off the shelf; nothing is known of the days before the first delivery.
{% set attributes = ['risk_level', 'interest_rate', 'term_months', 'is_on_sale'] %}
with delivered as (
    select *
    from {{ ref('stg_core_banking__product') }}
    where business_date <= {{ business_date() }}
),

listed as (
    select
        product_id,
        min(business_date) as first_date
    from delivered
    group by product_id
),

delivery as (
    select distinct business_date as known_date
    from delivered
),

said as (
    select
        listed.product_id,
        delivery.known_date,
        delivered.risk_level,
        delivered.interest_rate,
        delivered.term_months,
        coalesce(delivered.is_on_sale, false) as is_on_sale
    from listed
    inner join delivery on listed.first_date <= delivery.known_date
    left join delivered
        on
            listed.product_id = delivered.product_id
            and delivery.known_date = delivered.business_date
),

hashed as (
    select
        *,
        {{ record_hash(attributes) }} as record_hash
    from said
),

compared as (
    select
        *,
        lag(record_hash) over (partition by product_id order by known_date) as known_hash
    from hashed
)

select
    product_id,
    known_date,
    {%- for attribute in attributes %}
    {{ attribute }},
    {%- endfor %}
    {{ build_columns() }}
from compared
where record_hash is distinct from known_hash
