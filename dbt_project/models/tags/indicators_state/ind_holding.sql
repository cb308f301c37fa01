with as_of as (
    select * from {{ as_of_dates() }}
)

select
    as_of.as_of_date,
    customer.customer_id,
    (as_of.as_of_date - customer.open_date)::integer as tenure_days,
    count(account.account_id)::integer as account_count,
    count(distinct account.product_line)::integer as product_line_count,
    {{ build_columns() }}
from as_of
inner join {{ state('dim_customer_current') }} as customer on as_of.as_of_date >= customer.open_date
left join {{ state('dim_account') }} as account
    on
        customer.customer_id = account.customer_id
        and as_of.as_of_date >= account.open_date
        and as_of.as_of_date < coalesce(account.close_date, 'infinity')
group by as_of.as_of_date, customer.customer_id, customer.open_date
