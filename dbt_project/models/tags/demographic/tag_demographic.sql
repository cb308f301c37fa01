with customer as (
    select
        customer_id,
        extract(year from age({{ business_date() }}, birth_date)) as age_years
    from {{ current('dim_customer_current') }} as customer_row
    where open_date <= {{ business_date() }}
)

select
    customer_id,
    case
        when age_years is null then 'unknown'
        when age_years < 18 then 'under_18'
        when age_years < 30 then '18_29'
        when age_years < 45 then '30_44'
        when age_years < 60 then '45_59'
        else '60_plus'
    end as age_band,
    {{ build_columns() }}
from customer
