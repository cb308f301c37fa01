-- What is on sale is known for the business date only: a past as-of date sees the shelf of today.
with rule as (
    select * from {{ ref('product_rule') }}
),

opened as (
    select
        product_id,
        open_date as opened_date
    from {{ state('dim_account') }} as account

    union all

    select
        product_id,
        first_date as opened_date
    from {{ state('dim_wealth_position') }} as position
),

taken as (
    select
        as_of.as_of_date,
        opened.product_id,
        count(*) as taken_count_90d
    from {{ as_of_dates() }}
    inner join opened
        on
            as_of.as_of_date >= opened.opened_date
            and as_of.as_of_date < opened.opened_date + 90
    group by as_of.as_of_date, opened.product_id
)

select
    as_of.as_of_date,
    product.product_id,
    product.name,
    product.product_line,
    product.risk_level,
    product.interest_rate::double precision as interest_rate,
    product.term_months,
    product.is_on_sale,
    rule.needs_assessment,
    rule.minimum_age,
    rule.maximum_age,
    rule.product_line is not null as has_rule,
    coalesce(taken.taken_count_90d, 0)::integer as taken_count_90d,
    {{ build_columns() }}
from {{ as_of_dates() }}
cross join {{ state('dim_product') }} as product
left join rule on product.product_line = rule.product_line
left join taken
    on
        as_of.as_of_date = taken.as_of_date
        and product.product_id = taken.product_id
