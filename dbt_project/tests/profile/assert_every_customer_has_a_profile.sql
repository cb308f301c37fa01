select customer.customer_id
from {{ current('dim_customer_current') }} as customer
left join {{ current('customer_360') }} as profile on customer.customer_id = profile.customer_id
where
    profile.customer_id is null
    and customer.open_date <= {{ business_date() }}
