select
    survey_id,
    customer_id,
    (answered_at at time zone '{{ var('timezone') }}')::date as survey_date,
    answered_at,
    survey_kind,
    score,
    {{ build_columns() }}
from {{ ref('stg_contact_centre__survey') }}
where business_date = {{ business_date() }}
