-- The loader keeps one file from loading twice; this keeps one transaction from coming in two files.
{{ config(severity='warn') }}

select
    today.transaction_id,
    earlier.business_date as first_delivered
from {{ current('fct_transaction') }} as today
inner join {{ earlier('fct_transaction') }} as earlier on today.transaction_id = earlier.transaction_id
