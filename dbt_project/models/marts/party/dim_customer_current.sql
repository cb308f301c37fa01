-- The record is that of the number that stands for the person; the person is a customer while any number is.
with linked as (
    select
        link.linked_customer_id,
        count(*)::integer as linked_count,
        bool_or(customer.status = 'active') as is_active
    from {{ current('bridge_identity') }} as link
    inner join {{ current('int_customer') }} as customer on link.customer_id = customer.customer_id
    group by link.linked_customer_id
)

select
    customer.customer_id,
    customer.sex,
    customer.birth_date,
    customer.district_id,
    customer.branch_id,
    customer.occupation,
    customer.education,
    customer.marital_status,
    customer.income_amount,
    customer.is_staff,
    customer.mobile is not null as has_mobile,
    customer.email is not null as has_email,
    customer.open_date,
    case when linked.is_active then 'active' else customer.status end as status,
    coalesce(linked.linked_count, 0) as linked_count,
    customer.effective_date,
    customer.known_date,
    {{ build_columns() }}
from {{ current('int_customer') }} as customer
left join linked on customer.customer_id = linked.linked_customer_id
where not exists (
    select 1
    from {{ current('bridge_identity') }} as absorbed
    where absorbed.customer_id = customer.customer_id
)
