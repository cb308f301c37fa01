-- Of the business date only: what may be offered is never asked of the past. Null: the bank delivers no such system.
select
    {{ business_date() }} as as_of_date,
    risk.customer_id,
    extract(year from age({{ business_date() }}, customer.birth_date))::integer as age_years,
    case risk.risk_appetite
        when 'c1' then 1
        when 'c2' then 2
        when 'c3' then 3
        when 'c4' then 4
        when 'c5' then 5
    end as risk_level,
    risk.assessment_state in ('valid', 'expiring') as is_assessment_valid,
    contact.marketing_consent in ('all', 'some') as has_marketing_consent,
    {{ build_columns() }}
from {{ current('tag_risk') }} as risk
inner join {{ current('tag_contact') }} as contact on risk.customer_id = contact.customer_id
inner join {{ current('dim_customer_current') }} as customer on risk.customer_id = customer.customer_id
