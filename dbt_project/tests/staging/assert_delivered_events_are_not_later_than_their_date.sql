-- Grain: one row per transaction booked after the business date whose file brought it.
select
    transaction_id,
    account_id,
    transaction_date,
    business_date
from {{ ref('stg_core_banking__transaction') }}
where
    business_date = {{ business_date() }}
    and transaction_date > business_date
