with holding as (
    select * from {{ current('ind_holding') }} as holding_row
    where as_of_date = {{ business_date() }}
),

interaction as (
    select * from {{ current('ind_interaction') }} as interaction_row
    where as_of_date = {{ business_date() }}
)

select
    holding.customer_id,
    case
        when not {{ delivered('contact_centre.call') }} then null
        when interaction.complaint_count_90d > 0 then 'complained'
        when interaction.unresolved_call_count_90d > 0 then 'unresolved'
        when interaction.call_count_90d > 0 then 'served'
        else 'quiet'
    end as service_state,
    {{ build_columns() }}
from holding
left join interaction on holding.customer_id = interaction.customer_id
