-- Insert-only: a version is true from effective_date, and known from the business date that first said so.
with delivered as (
    select
        *,
        {{ dbt.hash('concat_ws(chr(31), ' ~ customer_attributes() ~ ')') }} as record_hash
    from {{ ref('stg_core_banking__customer') }}
    where business_date = {{ business_date() }}
),

known as (
    select
        customer_id,
        record_hash
    from {{ previous('int_customer') }} as state
)

select
    delivered.customer_id,
    delivered.id_type,
    delivered.id_number,
    delivered.name,
    delivered.sex,
    delivered.birth_date,
    delivered.mobile,
    delivered.email,
    delivered.address,
    delivered.district_id,
    delivered.branch_id,
    delivered.occupation,
    delivered.education,
    delivered.marital_status,
    delivered.income_amount,
    delivered.is_staff,
    delivered.open_date,
    delivered.status,
    delivered.effective_date,
    delivered.record_hash,
    {{ build_columns() }}
from delivered
left join known on delivered.customer_id = known.customer_id
where known.record_hash is distinct from delivered.record_hash
