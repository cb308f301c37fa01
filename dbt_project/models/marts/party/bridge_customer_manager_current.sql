-- A person's manager is that of the number that stands for the person, or else the newest of the linked ones.
select distinct on (coalesce(link.linked_customer_id, assignment.customer_id))
    coalesce(link.linked_customer_id, assignment.customer_id) as customer_id,
    assignment.manager_id,
    assignment.effective_date,
    {{ build_columns() }}
from {{ current('int_assignment') }} as assignment
left join {{ current('bridge_identity') }} as link on assignment.customer_id = link.customer_id
order by
    coalesce(link.linked_customer_id, assignment.customer_id),
    link.customer_id is not null,
    assignment.effective_date desc,
    assignment.customer_id
