-- Null and blank values agree with nothing, nor does a number that is one character again and again (000000, ------).
with known as (
    select
        customer_id,
        id_type,
        nullif(upper(trim(id_number)), '') as id_number,
        nullif(upper(trim(name)), '') as name,
        birth_date,
        nullif(trim(mobile), '') as mobile
    from {{ current('int_customer') }} as customer
),

agreed as (
    select
        'id_number' as rule,
        customer_id,
        min(customer_id) over same_number as first_customer_id,
        count(*) over same_number as customer_count
    from known
    where
        id_type is not null
        and id_number is not null
        and id_number !~ '^(.)\1*$'
    window same_number as (partition by id_type, id_number)

    union all

    select
        'name_birth_mobile' as rule,
        customer_id,
        min(customer_id) over same_person as first_customer_id,
        count(*) over same_person as customer_count
    from known
    where
        name is not null
        and birth_date is not null
        and mobile is not null
        and mobile !~ '^(.)\1*$'
    window same_person as (partition by name, birth_date, mobile)
)

select
    rule,
    customer_id,
    first_customer_id,
    customer_count::integer as customer_count,
    {{ build_columns() }}
from agreed
where customer_count > 1
