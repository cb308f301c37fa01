-- A product is what the last delivery up to the as-of date said of it. Before the first delivery of all nobody knows:
-- its risk, rate and term are null then, and on sale is what somebody took in the year before.
with rule as (
    select * from {{ ref('product_rule') }}
),

version as (
    select * from {{ state('dim_product_version') }} as version
),

known as (
    select distinct on (as_of.as_of_date, version.product_id)
        as_of.as_of_date,
        version.product_id,
        version.risk_level,
        version.interest_rate,
        version.term_months,
        version.is_on_sale
    from {{ as_of_dates() }}
    inner join version on as_of.as_of_date >= version.known_date
    order by as_of.as_of_date, version.product_id, version.known_date desc
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
        count(*) filter (where opened.opened_date > as_of.as_of_date - 90) as taken_count_90d
    from {{ as_of_dates() }}
    inner join opened
        on
            as_of.as_of_date >= opened.opened_date
            and as_of.as_of_date < opened.opened_date + 365
    group by as_of.as_of_date, opened.product_id
)

select
    as_of.as_of_date,
    product.product_id,
    product.name,
    product.product_line,
    known.risk_level,
    known.interest_rate::double precision as interest_rate,
    known.term_months,
    rule.needs_assessment,
    rule.minimum_age,
    rule.maximum_age,
    case
        when as_of.as_of_date >= (select min(version.known_date) from version) then coalesce(known.is_on_sale, false)
        else taken.product_id is not null
    end as is_on_sale,
    rule.product_line is not null as has_rule,
    coalesce(taken.taken_count_90d, 0)::integer as taken_count_90d,
    {{ build_columns() }}
from {{ as_of_dates() }}
cross join {{ state('dim_product') }} as product
left join rule on product.product_line = rule.product_line
left join known
    on
        as_of.as_of_date = known.as_of_date
        and product.product_id = known.product_id
left join taken
    on
        as_of.as_of_date = taken.as_of_date
        and product.product_id = taken.product_id
