with delivered as (
    select
        customer_id,
        id_type,
        id_number,
        name,
        sex,
        birth_date,
        mobile,
        email,
        address,
        district_id,
        branch_id,
        occupation,
        education,
        marital_status,
        income_amount,
        is_staff,
        open_date,
        status,
        effective_date,
        {{ dbt.hash('concat_ws(chr(31), ' ~ customer_attributes() ~ ')') }} as record_hash
    from {{ ref('stg_core_banking__customer') }}
    where business_date = {{ business_date() }}
),

version as (
    select
        *,
        {{ business_date() }} as known_date,
        1 as is_delivered
    from delivered
    {% if stands_on_previous() %}

    union all

    select
        customer_id,
        id_type,
        id_number,
        name,
        sex,
        birth_date,
        mobile,
        email,
        address,
        district_id,
        branch_id,
        occupation,
        education,
        marital_status,
        income_amount,
        is_staff,
        open_date,
        status,
        effective_date,
        record_hash,
        known_date,
        0 as is_delivered
    from {{ previous(this) }} as state
    {% endif %}
)

select distinct on (customer_id)
    customer_id,
    id_type,
    id_number,
    name,
    sex,
    birth_date,
    mobile,
    email,
    address,
    district_id,
    branch_id,
    occupation,
    education,
    marital_status,
    income_amount,
    is_staff,
    open_date,
    status,
    effective_date,
    record_hash,
    min(known_date) over (partition by customer_id, record_hash) as known_date,
    {{ build_columns() }}
from version
order by customer_id, effective_date desc, is_delivered desc
