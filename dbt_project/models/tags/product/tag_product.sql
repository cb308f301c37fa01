with holding as (
    select * from {{ current('ind_holding') }} as holding_row
    where as_of_date = {{ business_date() }}
)

select
    customer_id,
    case
        when product_line_count = 0 then 'none'
        when product_line_count = 1 then 'single'
        when product_line_count < 4 then 'several'
        else 'many'
    end as product_breadth,
    {{ build_columns() }}
from holding
